"""``chatroomctl upgrade``: a new daemon takes over, nobody is dropped, and no line is lost, doubled or out of order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from harness.daemon import CAP_S, Client, Daemon, until
from harness.service_manager import NotifySocket
from harness.tls import ListeningDaemon, Pair, TlsDaemon
from harness.upgrading import Upgradable, prepared_place, upgradable
from harness.web import WebClient

from chatroom.server.handover.predecessor import UPGRADING

GENERATOR = Path(__file__).parents[2] / "bench" / "generator"
_STOP = """
import importlib, os, signal
owner = importlib.import_module({module!r})
for name in {path!r}[:-1]:
    owner = getattr(owner, name)
do = getattr(owner, {path!r}[-1])
def stop(*given, **named):
    found = do(*given, **named) if {after} else None
    {action}
    return found
setattr(owner, {path!r}[-1], stop)
"""
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
FAIL = "raise RuntimeError('a fault of the new program')"
TAKING_OVER = "chatroom.server.handover.predecessor"


def at(module: str, *path: str, after: bool = False, action: str = DIE) -> str:
    """Return code that has the new daemon do something at a function, before or after that has run."""
    return _STOP.format(module=module, path=path, after=after, action=action)


_MIGRATION = """
from chatroom.storage.sqlite import migrate
known = migrate.load_migrations()
one_more = migrate.Migration(known[-1].number + 1, "for_a_test", {sql!r})
migrate.load_migrations = lambda: (*known, one_more)
"""
ADDS_A_TABLE = _MIGRATION.format(sql="CREATE TABLE of_later (id INTEGER PRIMARY KEY) STRICT;\n")
BAD_MIGRATION = _MIGRATION.format(sql="CREATE TABLE of_later (id INTEGER) STRICT;\nINSERT INTO nowhere VALUES (1);\n")


@pytest.fixture(scope="module")
def house() -> Iterator[Upgradable]:
    """One daemon for the tests in which nothing changes."""
    with upgradable(limits__enabled=False) as one:
        yield one


def talk(alice: Client, bob: Client, text: str) -> None:
    """Have alice say something, which bob reads once, and nothing else of her."""
    alice.send(f"PRIVMSG #tea :{text}")
    assert bob.expect("PRIVMSG").endswith(f"PRIVMSG #tea :{text}")


def schema_version(house: Upgradable) -> int:
    """Return the version of the database."""
    with closing(sqlite3.connect(house.place.database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import os; os._exit(7)", id="ended at once"),
        pytest.param(at(TAKING_OVER, "Predecessor", "introduce"), id="killed before it has said anything"),
        pytest.param(at(TAKING_OVER, "Predecessor", "_take_sockets"), id="killed when it has the state"),
        pytest.param(at(TAKING_OVER, "Predecessor", "introduce", after=True), id="killed with the sockets"),
        pytest.param(at("chatroom.server.served_database", "load_world"), id="killed before it has a world"),
        pytest.param(at("chatroom.server.served_database", "load_world", action=FAIL), id="a bug"),
        pytest.param(at(TAKING_OVER, "Predecessor", "fill", after=True), id="killed when it has the world"),
        pytest.param(at(TAKING_OVER, "Predecessor", "ready"), id="killed just before it is ready"),
        pytest.param(BAD_MIGRATION, id="a migration that fails"),
        pytest.param(ADDS_A_TABLE + at(TAKING_OVER, "world_from_state"), id="killed in the migration"),
        pytest.param("import chatroom.chat.handover.document as of\nof.READABLE = (99,)", id="another version"),
    ],
)
def test_a_new_daemon_that_fails_changes_nothing(house: Upgradable, code: str) -> None:
    """The running one goes on with all connections and the same database, and says why."""
    pid, version = house.pid, schema_version(house)
    with house.daemon.connect("alice") as alice, house.daemon.connect("bob") as bob:
        alice.ask("JOIN #tea", "TOPIC #tea :hot")
        bob.ask("JOIN #tea")
        house.break_next(code)
        told = house.fail_to_upgrade()
        house.mend()
        assert "not upgraded, the daemon goes on as it was: " in told
        until(lambda: house.daemon.log_lines("not upgraded, and nothing has changed: "), "the log says so")
        talk(alice, bob, "still here")
        assert (house.pid, schema_version(house)) == (pid, version)
        with house.daemon.connect("carol") as carol:
            assert any("hot" in line for line in carol.ask("JOIN #tea"))
    # A process that was killed leaves the copy of the database that it has made; one that fails does not.
    copies = list(house.place.root.glob("chat.db.before-*"))
    assert not copies or code.startswith(ADDS_A_TABLE)
    for copy in copies:
        copy.unlink()


def test_a_configuration_that_is_wrong_changes_nothing(house: Upgradable) -> None:
    """It is read before anybody notices."""
    house.place.config_file.write_text("[limits]\nlines_per_s = 'many'\n")
    try:
        assert "limits.lines_per_s" in house.fail_to_upgrade()
    finally:
        house.place.config_file.unlink()
    assert house.daemon.is_well()


def test_people_and_rooms_go_on_in_the_new_daemon() -> None:
    """Registered, half registered and half a line: all of it goes on, twice, and the old process ends well."""
    with upgradable(limits__enabled=False) as house:
        house.place.create("una")
        with (
            house.daemon.connect("alice") as alice,
            house.daemon.connect("una", password="una:correct horse") as una,
            house.daemon.open() as half,
        ):
            alice.ask("JOIN #tea", "TOPIC #tea :hot", "MODE #tea +k secret")
            una.ask("JOIN #tea secret", "AWAY :soon back")
            half.send("NICK carol")
            half.send_bytes(b"USER carol 0 * :Ca")
            alice.send_bytes(b"PRIVMSG #tea :hal")
            for _ in range(2):
                before = house.pid
                done = house.upgrade()
                assert done["carried"] == 3 and done["closed"] == 0 and done["pid"] == house.pid != before
            assert house.daemon.process.wait(CAP_S) == 0
            alice.send_bytes(b"f a line\r\n")
            assert una.expect("PRIVMSG").endswith("PRIVMSG #tea :half a line")
            half.send_bytes(b"rol\r\n")
            assert half.expect("001")
            assert any("una" in line for line in alice.ask("WHOIS una") if " 330 " in line)
            assert any(line.endswith(":soon back") for line in alice.ask("PRIVMSG una :are you there"))
            assert any("secret" in line for line in alice.ask("MODE #tea"))
            assert len(una.ask("CHATHISTORY LATEST #tea * 9")) >= 1
        until(lambda: house.daemon.log_lines("took over 3 connections"), "the log says so")


@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_no_line_is_lost_doubled_or_out_of_order_under_load(tmp_path: Path, synchronous: str) -> None:
    """The bench's load generator checks each line of its rooms while the daemon is upgraded again and again."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NO C COMPILER (cc): upgrades under load are not tested")
    generator = tmp_path / "load"
    sources = [str(path) for path in sorted(GENERATOR.glob("*.c"))]
    subprocess.run([compiler, "-O1", "-std=c11", "-o", str(generator), *sources, "-lm"], check=True, timeout=60)
    with upgradable(limits__enabled=False, channels__autojoin="[]", history__synchronous=synchronous) as house:
        messages, all_messages, has_overlapped = 2000, 0, False
        while not has_overlapped:
            load = start_load(generator, house.daemon, f"r{messages}x", messages)
            try:
                until(partial(has_begun, house, load), "all users are there")
                carried = [house.upgrade()["carried"] for _ in range(2)]
                # On a quick machine it may be over already. Then it is done again, with more to say.
                has_overlapped = carried == [100, 100] and load.poll() is None
                out, err = load.communicate(timeout=4 * CAP_S)
            finally:
                load.kill()
            assert load.returncode == 0, err
            answer = json.loads(out)
            assert (answer["messages"], answer["delivered"]) == (20 * messages, 380 * messages)
            all_messages += 20 * messages
            messages *= 4
        # The history has each message once.
        with closing(sqlite3.connect(house.place.database)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM messages WHERE kind = 1").fetchone()
        assert count == all_messages


def has_begun(house: Upgradable, load: subprocess.Popen[str]) -> bool:
    """True if all users of the load are there, or were."""
    return load.poll() is not None or house.place.ctl_json("status")["users"] == 100


def start_load(generator: Path, daemon: Daemon, prefix: str, messages: int) -> subprocess.Popen[str]:
    """Start the load generator: five rooms of 20 users, of whom four say so many messages each."""
    options = {
        "host": "127.0.0.1",
        "port": daemon.port,
        "pid": os.getpid(),
        "prefix": prefix,
        "rooms": 5,
        "members": 20,
        "senders": 4,
        "window": 4,
        "messages": messages,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return subprocess.Popen(
        [str(generator), "rooms", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_clients_with_tls_are_told_and_come_back() -> None:
    """They read why and reconnect at once, to the same address; others in their rooms read that they have gone."""
    with prepared_place(limits__enabled=False) as place:
        daemon = TlsDaemon(place, Pair(place.root, "localhost"))
        house = Upgradable(daemon)
        with daemon.open_tls() as secret, daemon.connect("plain") as plain:
            secret.register("secret")
            plain.expect("JOIN")
            done = house.upgrade()
            assert (done["carried"], done["closed"]) == (1, 1)
            seen = secret.expect_closed()
            assert seen == [f":chatroom.local NOTICE * :{UPGRADING}", f"ERROR :Closing Link: 127.0.0.1 ({UPGRADING})"]
            assert plain.expect("QUIT").endswith(f"QUIT :{UPGRADING}")
            with daemon.open_tls() as again:
                again.register("secret")
                plain.expect("JOIN")
        house.end()


def test_web_clients_go_on_in_the_middle_of_a_message() -> None:
    """Also in the middle of a frame, which the first daemon has read in part."""
    with prepared_place(limits__enabled=False) as place:
        daemon = ListeningDaemon(place, 'kind = "websocket"')
        house = Upgradable(daemon)
        with WebClient(daemon.second_port) as wanda, daemon.connect("plain") as plain:
            wanda.register("wanda")
            plain.expect("JOIN")
            frame = masked(b"PRIVMSG #lobby :in two pieces")
            wanda.web.socket.sendall(frame[:9])
            assert house.upgrade()["carried"] == 2
            wanda.web.socket.sendall(frame[9:])
            assert plain.expect("PRIVMSG").endswith(":in two pieces")
            plain.send("PRIVMSG wanda :hello")
            assert wanda.expect("PRIVMSG").endswith(":hello")
        house.end()


def masked(text: bytes) -> bytes:
    """Return a text as a frame of a client, with a mask of zeros."""
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


def test_the_database_is_upgraded_with_everybody_there() -> None:
    """A new program brings a migration. If it dies right behind it, it is started again: the old one cannot go on."""
    with prepared_place(limits__enabled=False) as place:
        house = Upgradable(Daemon(place))
        with house.daemon.connect("alice") as alice, house.daemon.connect("bob") as bob:
            alice.ask("JOIN #tea")
            bob.ask("JOIN #tea")
            talk(alice, bob, "before")
            version, dead = schema_version(house), place.root / "dead"
            dies_once = (
                f"if not os.path.exists({str(dead)!r}):\n        open({str(dead)!r}, 'w').close()\n        {DIE}"
            )
            upgrading = at(TAKING_OVER, "Predecessor", "upgrade_database", after=True, action=dies_once)
            house.break_next(ADDS_A_TABLE + upgrading)
            assert house.upgrade()["carried"] == 2
            until(
                lambda: house.daemon.log_lines("it had upgraded the database, and is started again"), "the log says so"
            )
            talk(alice, bob, "after")
            assert schema_version(house) == version + 1
            assert len(list(place.root.glob("chat.db.before-*"))) == 1
            # The next one is the new program too.
            assert house.upgrade()["carried"] == 2
            talk(alice, bob, "and again")
        house.end()


def test_a_new_program_that_never_starts_behind_its_migration_ends_the_daemon() -> None:
    """The exit code says so, and the service manager starts the new program: nothing is written by the old one."""
    with prepared_place(limits__enabled=False) as place:
        house = Upgradable(Daemon(place))
        with house.daemon.connect("alice") as alice:
            house.break_next(ADDS_A_TABLE + at(TAKING_OVER, "Predecessor", "upgrade_database", after=True))
            assert place.run("upgrade").returncode == 1
            assert house.daemon.wait() == 1
            alice.expect_closed()
        until(
            lambda: house.daemon.log_lines("the database is upgraded, and the new daemon does not start"),
            "the log says so",
        )


def test_a_first_daemon_that_is_killed_at_the_end_takes_nobody_along() -> None:
    """SIGKILL, when the new one is ready and the first one has still to say farewell to the clients with TLS."""
    with prepared_place(limits__enabled=False) as place:
        daemon = TlsDaemon(place, Pair(place.root, "localhost"))
        house = Upgradable(daemon)
        with daemon.open_tls() as secret, daemon.connect("alice") as alice, daemon.connect("bob") as bob:
            secret.register("secret")
            alice.ask("JOIN #tea")
            bob.ask("JOIN #tea")
            house.upgrade()
            daemon.process.kill()
            talk(alice, bob, "still here")
        daemon.process.wait(CAP_S)
        house.end()


def test_a_signal_upgrades_and_the_service_manager_follows(tmp_path: Path) -> None:
    """SIGUSR2 does it too; systemd is told of the new main process before that one says that it is ready."""
    with prepared_place(limits__enabled=False) as place, NotifySocket(f"@{place.root}") as manager:
        place.environment |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000"}
        house = Upgradable(Daemon(place))
        manager.expect("READY")
        with house.daemon.connect("alice") as alice:
            house.daemon.process.send_signal(signal.SIGUSR2)
            pid = int(manager.expect("MAINPID")["MAINPID"])
            manager.expect("READY")
            assert house.daemon.process.wait(CAP_S) == 0
            assert house.pid == pid
            assert alice.ask("PING x")
        house.end()


def test_what_the_shell_changes_meanwhile_counts() -> None:
    """A ban that the database gets while the chat stands still is in force in the new daemon."""
    with prepared_place(limits__enabled=False) as place:
        house = Upgradable(Daemon(place))
        bans = f"""
    import subprocess, sys
    call = [os.path.join(os.path.dirname(sys.executable), "chatroomctl"), "--database", {str(place.database)!r}]
    subprocess.run([*call, "ban", "add", "bob", "--yes"], check=True, stdout=subprocess.DEVNULL)"""
        with house.daemon.connect("alice") as alice, house.daemon.connect("bob") as bob:
            alice.ask("JOIN #tea")
            bob.ask("JOIN #tea")
            house.break_next(at("chatroom.server.served_database", "load_world", after=True, action=bans))
            house.upgrade()
            assert any("banned" in line for line in bob.expect_closed())
            assert alice.expect("QUIT")
        house.end()
