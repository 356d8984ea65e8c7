"""What has to be there before the commands of a page make sense. A page that is not listed has a daemon, and alice."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from harness.cluster import NodePlace
from harness.daemon import PASSWORD, Place
from harness.doc_shell import DocShell
from harness.ergo_files import account, database
from harness.hook_receiver import Receiver
from harness.postgresql_server import PostgresqlServer
from harness.redis_server import RedisServer
from harness.tls import Pair

Scene = Callable[[DocShell], None]


def everyday(shell: DocShell) -> None:
    """A daemon, an admin, and bob."""
    shell.place.create("alice", "admin")
    shell.place.create("bob")
    shell.place.run_here("config", "init", str(shell.place.config_file))
    shell.start()


def readme(shell: DocShell) -> None:
    """Nothing is there: ``init`` asks, and Enter alone answers."""
    shell.typed = "\n" * 5
    shell.before = {"user create-admin": lambda: setattr(shell, "typed", f"{PASSWORD}\n")}


def archive(shell: DocShell) -> None:
    """The import is on another machine: its database is empty."""
    shell.place.create("alice", "admin")
    shell.before = {"import --dry-run": lambda: _move(shell.place)}


def backups(shell: DocShell) -> None:
    """There is a directory for them."""
    shell.path("/var/backups/chatroom.db")
    everyday(shell)


def browser(shell: DocShell) -> None:
    """Another client was built: ``npm run build`` leaves its files in ``dist``."""
    (shell.path("dist/index.html")).write_text("<!doctype html>")
    shell.path("/srv/chat")

    def pack() -> None:
        with tarfile.open(shell.path("gamja.tar.gz"), "w:gz") as packed:
            packed.add(shell.path("dist/index.html"), "index.html")

    shell.before = {"web install": pack}


def certificates(shell: DocShell) -> None:
    """certbot has made its directory for hooks, and a listener has a certificate."""
    shell.path("/etc/letsencrypt/renewal-hooks/deploy/chatroom")
    pair = Pair(shell.place.root, "chat.example.org")
    shell.place.config_file.write_text(
        f'[[listen]]\nport = 0\ntls = true\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
    )


def hooks(shell: DocShell) -> None:
    """A receiver listens where the page sends to."""
    receiver = shell.cleanup.enter_context(Receiver())
    shell.replaced["http://127.0.0.1:8080/"] = receiver.url
    everyday(shell)


def inviting(shell: DocShell) -> None:
    """Guests come in before the page turns them away; the invite with the number 3 was made before."""
    everyday(shell)

    def make_invite() -> None:
        token = shell.place.ctl_json("invite", "create")["token"]
        shell.replaced["TOKEN"] = token

    shell.before = {"invite remove 3": make_invite, "?invite=TOKEN": make_invite}


def moving_in(shell: DocShell) -> None:
    """The files of the other programs."""
    shell.typed = "\n" * 5
    shell.path("ircd.db").write_bytes(database(account("Zoe")))
    shell.path("/etc/ngircd/ngircd.conf").write_text("[Global]\nName = irc.example.net\n[Channel]\nName = #tea\n")
    shell.path("people.csv").write_text("name,role\nyan,user\n")
    shell.path("drop.txt").write_text("203.0.113.0/24 ; SBL1\n")
    shell.write_program("fail2ban-client", 'echo "198.51.100.7 \t2030-01-04 10:00:00 + 600 = 2030-01-04 10:10:00"')
    shell.write_program("ipset", 'echo "add blocked 198.51.100.8 comment \\"spam\\""')


def service(shell: DocShell) -> None:
    """Root's directories."""
    shell.path("/usr/local/bin/chatroom").parent.chmod(0o755)
    shell.path("/var/lib/chatroom/chatroom.db")
    shell.before = {"docker compose --file deploy/compose.yaml exec": lambda: _move(shell.place)}


def _move(place: Place) -> None:
    place.database = Path(place.environment["CHATROOM_DATABASE__PATH"]).with_name("new.db")
    place.environment["CHATROOM_DATABASE__PATH"] = str(place.database)


def postgresql(shell: DocShell) -> None:
    """PostgreSQL has an empty database, and the chat to move is where the page has it."""
    server = shell.cleanup.enter_context(PostgresqlServer.running())
    shell.replaced["postgresql://chat@db.example.org/chat"] = str(server.make_database(empty=True))
    everyday(shell)

    def move() -> None:
        shutil.copy(shell.place.database, shell.path("/var/lib/chatroom/chat.db"))

    shell.before = {"db copy": move}


def nodes(shell: DocShell) -> None:
    """The machine is node a of a cluster, and the chat that moves into one is where the page has it."""
    server = shell.cleanup.enter_context(PostgresqlServer.running())
    redis = shell.cleanup.enter_context(RedisServer.running())
    shell.replaced["deploy/cluster/secrets"] = "secrets"  # deploy is that of the checkout
    shell.replaced["postgresql://chat@db.example.org/chat"] = str(server.make_database(empty=True))
    alone = shell.place.database
    everyday(shell)
    shell.stop()
    shutil.copy(alone, shell.path("/var/lib/chatroom/chat.db"))
    shell.place.__class__ = NodePlace  # from here on no option names a database
    del shell.place.environment["CHATROOM_DATABASE__PATH"]
    cluster = {"CHATROOM_CLUSTER__REDIS": redis.url, "CHATROOM_CLUSTER__NODE": "a"}
    shell.place.environment |= {"CHATROOM_DATABASE__URL": server.make_database().url, **cluster}
    shell.start()

    def want_password() -> None:
        secret = shell.path("/etc/chatroom/redis-password")
        secret.touch(0o600)
        secret.write_text("open sesame\n")
        redis.ask("CONFIG", "SET", "requirepass", "open sesame")

    shell.before = {"config set cluster.node": want_password}


SCENES: dict[str, Scene] = {
    "README.md": readme,
    "docs/archive.md": archive,
    "docs/backups.md": backups,
    "docs/browser.md": browser,
    "docs/certificates.md": certificates,
    "docs/hooks.md": hooks,
    "docs/inviting.md": inviting,
    "docs/moving-in.md": moving_in,
    "docs/nodes.md": nodes,
    "docs/postgresql.md": postgresql,
    "docs/service.md": service,
}
