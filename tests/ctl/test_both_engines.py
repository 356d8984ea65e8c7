"""Every command that changes the database, on a file and on a PostgreSQL server: both say and do the same.

The tests of the commands themselves run on files only. Here each command runs once on either, one after the other, and
what it prints is compared, but for times, secrets and the names of the databases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from harness.kept_history import said
from harness.shell import ENVIRONMENT

from chatroom.chat.stored.entries import next_message_id
from chatroom.chat.stored.invite_records import NewAccount
from chatroom.chat.stored.records import Actor, Credential, FailedLogins, ListEntry, StoredChannel
from chatroom.ctl.main import cli
from chatroom.database_address import DatabaseAddress
from chatroom.storage.opening import open_journal, open_stores

if TYPE_CHECKING:
    from harness.postgresql_server import PostgresqlServer

AT = datetime(2024, 2, 29, tzinfo=UTC)
PASSWORD = "correct horse\n"
FINGERPRINT = "ab" * 32
SAID = (("2020-01-01", "PRIVMSG", "green"), ("2020-01-02", "PRIVMSG", "Grün"), ("2021-01-01", "NOTICE", "black"))
NGIRCD = """[Channel]
  Name = #moved
  Topic = from ngircd
"""
CALLS: tuple[tuple[str, str], ...] = (
    ("user create alice --role admin --password-stdin", PASSWORD),
    ("user create-admin root --password-stdin", PASSWORD),
    ("user create bob --password-stdin", PASSWORD),
    ("user create BOB --password-stdin", PASSWORD),
    ("user passwd bob --password-stdin", PASSWORD),
    ("user set-role bob moderator", ""),
    ("user set-always-on bob on", ""),
    ("user disable bob", ""),
    ("user enable bob", ""),
    ("user rename bob rob", ""),
    ("user rename nobody rob", ""),
    (f"user cert add rob {FINGERPRINT}", ""),
    (f"user cert add alice {FINGERPRINT}", ""),
    ("user cert list rob", ""),
    (f"user cert remove rob {FINGERPRINT}", ""),
    ("user reset-token rob", ""),
    ("user pending", ""),
    ("user approve zoe", ""),
    ("user approve zoe", ""),
    ("user reject yan --reason who?", ""),
    ("user list", ""),
    ("user show rob", ""),
    ("user delete rob", ""),
    ("user delete root", ""),
    ("user delete alice", ""),
    ("invite create --uses 3 --channel #tea", ""),
    ("invite list", ""),
    ("invite remove 1", ""),
    ("invite remove 1", ""),
    ("ban add mallory --for 7d --reason flooding", ""),
    ("ban add 192.0.2.0/24", ""),
    ("ban add 192.0.2.0/24 --reason again", ""),
    ("ban add 2001:db8::1", ""),
    ("ban check 192.0.2.7", ""),
    ("ban remove mallory", ""),
    ("ban remove mallory", ""),
    ("ban list --all", ""),
    ("ban import bans.txt --skip-bad", ""),
    ("ban export -", ""),
    ("filter add *free* --action kick", ""),
    ("filter add *free* --action ban --for 1h", ""),
    ("filter add (?i)spam --regex --action mute", ""),
    ("filter list", ""),
    ("filter remove *free*", ""),
    ("filter remove 9", ""),
    ("hook add #tea http://127.0.0.1:9/ --prefix !deploy", ""),
    ("hook add #tea --incoming --name ci", ""),
    ("hook pause 1", ""),
    ("hook resume 1", ""),
    ("hook list", ""),
    ("hook remove 2", ""),
    ("hook remove 2", ""),
    ("channel list", ""),
    ("channel show #TEA", ""),
    ("channel delete #old", ""),
    ("channel delete #old", ""),
    ("login-delay list", ""),
    ("login-delay lift alice", ""),
    ("login-delay lift alice", ""),
    ("history import lines.jsonl", ""),
    ("history import lines.jsonl", ""),
    ("history search GRUN", ""),
    ("history search gree*", ""),
    ("history stats", ""),
    ("history list alice", ""),
    ("history export -", ""),
    (f"history prune --older-than {(datetime.now(UTC) - datetime(2020, 6, 1, tzinfo=UTC)).days}d", ""),
    ("history forget alice", ""),
    ("history search tea", ""),
    ("history forget nobody", ""),
    ("history export -", ""),
    ("import accounts accounts.csv", ""),
    ("import accounts accounts.csv --new-passwords new.csv", ""),
    ("import ngircd ngircd.conf", ""),
    ("channel list", ""),
    ("audit list --limit 1000", ""),
)
ELSEWHERE = {
    "db migrate": "test_server_database.py, with the other commands of the group",
    "db restore": "test_server_database.py",
    "db vacuum": "test_server_database.py",
    "filter unmute": "asks the daemon",
    "import archive": "builds a file",
    "import ergo": "takes in what it has read as import ngircd does",
    "init": "test_init_command.py",
    "service install": "changes no database",
    "service uninstall": "changes no database",
    "tls self-signed": "changes no database",
    "web install": "changes no database",
}
"""Where commands with ``--yes`` are tested that are not here."""


@pytest.fixture
def addresses(home: Path, database: Path, postgresql_server: PostgresqlServer) -> Iterator[list[DatabaseAddress]]:
    """A file and a database of a server, with what no command makes."""
    (home / "bans.txt").write_text("eve\n198.51.100.0/24\nnot a name\n")
    (home / "lines.jsonl").write_text("".join(map(history_line, *zip(*SAID, strict=True))))
    (home / "accounts.csv").write_text("name,email\ncarol,carol@example.org\n")
    (home / "ngircd.conf").write_text(NGIRCD)
    server = postgresql_server.make_database()
    for address in (database, server):
        with open_stores(address, clock=lambda: AT) as stores:
            by = Actor("x", "cli")
            for name in ("#tea", "#old"):
                mask = ListEntry("b", "*!*@spam.example", "alice!a@h", datetime(2024, 1, 1, tzinfo=UTC))
                stores.channels.save(
                    StoredChannel(name, None, datetime(2024, 1, 1, tzinfo=UTC), lists=(mask,)), by, "", ""
                )
            for name in ("Zoe", "Yan"):
                stores.requests.add(NewAccount(name, [Credential("bcrypt", "$2b$04$x")], ""), "192.0.2.1")
            keep_entries(address)
            stores.failed_logins.save([FailedLogins("account alice", 6, 1_900_000_000_000)])
    yield [database, server]
    postgresql_server.drop_database(server)


def history_line(day: str, kind: str, text: str) -> str:
    """Return a line for ``history import``."""
    line = {"at": f"{day}T00:00:00Z", "channel": "#tea", "kind": kind, "source": "a!b@c", "account": None, "text": text}
    return json.dumps(line) + "\n"


def keep_entries(address: DatabaseAddress) -> None:
    """Store a message by the first account, and one by nobody."""
    with closing(open_journal(address)) as journal:
        assert journal.begin()
        for one in (said("tea", days_ago=9), said("tea", nick="guest")):
            journal.write([one._replace(message_id=next_message_id(0, one.time_ms))])
        journal.commit()


def run(address: DatabaseAddress, call: str, stdin: str) -> tuple[int, str, str]:
    """Run a command and return its exit code, and what it prints without what differs from run to run."""
    Path("new.csv").unlink(missing_ok=True)
    words = [*call.split(" "), *(["--yes"] if find_command(call).changes else [])]
    result = CliRunner(env=ENVIRONMENT).invoke(cli, ["--database", str(address), *words], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, tidy(result.stdout, address), tidy(result.stderr, address)


def tidy(text: str, address: DatabaseAddress) -> str:
    """Return the text without times, secrets, sizes and the name of the database."""
    text = text.replace(str(address), "DATABASE")
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z)?", "TIME", text)
    text = re.sub(r"whsec_\S+|[A-Za-z0-9_-]{21,}", "SECRET", text)
    text = re.sub(r"(?m)^Database +.* in use.*$", "SIZES", text)
    return text


class Found:
    """A command of the table of commands."""

    def __init__(self, words: list[str]) -> None:
        command: click.Command = cli
        self.name = ""
        for word in words:
            if not isinstance(command, click.Group):
                break
            with click.Context(command) as context:
                found = command.get_command(context, word)
            assert found is not None, words
            command, self.name = found, f"{self.name} {word}".strip()
        self.changes = any(parameter.name == "yes" for parameter in command.params)


def find_command(call: str) -> Found:
    """The command that a call runs."""
    return Found(call.split(" "))


def list_changing(group: click.Group = cli, before: str = "") -> Iterator[str]:
    """The names of all commands that have ``--yes``, as all have that change the database."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from list_changing(command, f"{before}{name} ")
            elif command is not None and any(parameter.name == "yes" for parameter in command.params):
                yield f"{before}{name}"


@pytest.mark.debian("postgres")
def test_a_server_does_what_a_file_does(addresses: list[DatabaseAddress]) -> None:
    """Each command ends with the same code and says the same, refusals too; so do the lists that show what it did."""
    for call, stdin in CALLS:
        on_file, on_server = (run(address, call, stdin) for address in addresses)
        assert on_server == on_file, call
    codes = {call: run(addresses[1], call, "")[0] for call in ("user list", "ban list --all", "audit list")}
    assert set(codes.values()) == {0}
    sizes = [re.findall(r"in use(.*)", address_stats(address))[0] for address in addresses]
    assert (" free; log " in sizes[0], sizes[1]) == (True, "")  # a server does not tell


def address_stats(address: DatabaseAddress) -> str:
    """What ``history stats`` prints."""
    arguments = ["--database", str(address), "history", "stats"]
    return CliRunner().invoke(cli, arguments, prog_name="chatroomctl", env=dict(ENVIRONMENT)).stdout


def test_no_changing_command_is_forgotten() -> None:
    """Each is in the list above, or it is said where it is tested."""
    driven = {find_command(call).name for call, _ in CALLS}
    assert set(list_changing()) - driven - set(ELSEWHERE) == set()
    assert set(ELSEWHERE) - set(list_changing()) == set()
