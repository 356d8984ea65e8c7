"""``chatroomctl import accounts``: CSV and JSON Lines."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import bcrypt
import pytest
from harness.shell import Shell
from harness.verifiers import find_verifier
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission import passwords
from chatroom.ctl.moving.account_lists import COLUMNS, read_accounts
from chatroom.errors import InvalidValue
from chatroom.storage.daemon_lock import DaemonLock

# A fixed salt, because the hash is a part of the names of tests.
HASH = bcrypt.hashpw(b"open sesame", b"$2b$04$" + b"." * 22).decode().replace("$2b$", "$2y$")
CSV = f"""\
\ufeffName,role,email,password_hash,password,created_at
alice,admin,alice@example.org,{HASH},,2020-01-31
bob,,,,correct horse,

"carol",moderator,"carol@example.org",,,2021-01-01T12:00:00+02:00
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A place for a database, which does not exist."""
    return Shell(tmp_path / "chat.db")


def given_file(shell: Shell, text: str) -> str:
    """Write the list, and return its name."""
    file = shell.database.parent / "people.txt"
    file.write_text(text)
    return str(file)


def test_csv(shell: Shell) -> None:
    """Names, roles, mail addresses, dates and hashes arrive; who has no password gets one, in a private file."""
    new = shell.database.parent / "new.csv"
    said = shell.json("import", "accounts", given_file(shell, CSV), "--new-passwords", str(new))
    assert said["accounts"] == ["alice", "bob", "carol"]
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    header, line = new.read_text().splitlines()
    name, password = line.split(",")
    assert (header, name) == ("name,password", "carol")
    shown = {one["name"]: one for one in shell.json("user", "list")}
    assert {name: one["role"] for name, one in shown.items()} == {"alice": "admin", "bob": "user", "carol": "moderator"}
    assert shown["alice"]["created_at"] == "2020-01-31T00:00:00Z"
    assert shown["carol"]["created_at"] == "2021-01-01T10:00:00Z"
    assert shell.json("user", "show", "alice")["email"] == "alice@example.org"
    with shell.stores() as stores:
        for account, typed in (("alice", "open sesame"), ("bob", "correct horse"), ("carol", password)):
            stored = find_verifier(stores, account)
            assert passwords.verify(typed, stored, 4)
            assert not passwords.verify(f"{typed}!", stored, 4)


def test_json_lines(shell: Shell) -> None:
    """The keys are those of the columns."""
    lines = [{"name": "alice", "password": "correct horse", "disabled": True}, {"name": "bob", "password_hash": HASH}]
    shell.done("import", "accounts", given_file(shell, "\n".join(map(json.dumps, lines))))
    assert [(one["name"], one["disabled"]) for one in shell.json("user", "list")] == [("alice", True), ("bob", False)]


def test_semicolons(shell: Shell) -> None:
    """Spreadsheets of some countries write semicolons."""
    shell.done("import", "accounts", given_file(shell, "name;password\nalice;correct horse\n"))
    assert [one["name"] for one in shell.json("user", "list")] == ["alice"]


def test_beside_a_daemon(shell: Shell) -> None:
    """It follows what the shell writes, so it need not be stopped."""
    shell.done("db", "migrate")
    with DaemonLock.acquire(shell.database):
        shell.done("import", "accounts", given_file(shell, "name,password\nalice,correct horse\n"))
    assert len(shell.json("user", "list")) == 1


def test_who_is_there_stays(shell: Shell) -> None:
    """An account that exists is counted, and nothing of it is changed."""
    shell.create("alice")
    said = shell.json("import", "accounts", given_file(shell, "name,role,password\nAlice,admin,another horse\n"))
    assert (said["accounts"], said["known"]) == ([], 1)
    assert [one["role"] for one in shell.json("user", "list")] == ["user"]


def test_reserved_names(shell: Shell) -> None:
    """A name that is reserved for the server is left out, unless --force takes it."""
    file = given_file(shell, "name,password\nHelpServ,correct horse\nChanServ,correct horse\n9,correct horse\n")
    said = shell.json("import", "accounts", file)
    assert said["accounts"] == ["HelpServ"]
    assert sorted(said["left_out"]) == [
        "the account '9': not a name here",
        "the account ChanServ: reserved for the server (--force takes it all the same)",
    ]
    assert shell.json("import", "accounts", "--force", file)["accounts"] == ["ChanServ"]


@pytest.mark.parametrize(
    "text, why",
    [
        ("name,colour\n", "there is no column 'colour'"),
        ("role\n", "there must be a column name"),
        ("name\n\nalice,user\n", ":3: not valid JSON, or more cells"),
        ("name,role\nalice,king\n", ":2: role must be"),
        ("name,role\n,user\n", ":2: name is missing"),
        ("name\nalice\nALICE\n", ":3: ALICE is listed twice"),
        ("name,password_hash\nalice,$1$abc\n", ":2: password_hash must be bcrypt"),
        (f"name,password_hash,password\nalice,{HASH},x\n", "and not both"),
        ("name,password\nalice,a\x07b\n", ":2: password must be one line of text"),
        ("name,created_at\nalice,yesterday\n", ":2: created_at must be a date"),
        ("name,created_at\nalice,2999-01-01\n", ":2: created_at is in the future"),
        ("name,disabled\nalice,perhaps\n", ":2: disabled must be yes or no"),
        ('{"name": "alice"}\n{"name": 7}\n', ":2: name must be one line of text"),
        ('{"name": "alice"}\n[]\n', ":2: not valid JSON"),
        ('{"nick": "alice"}\n', ":1: there is no key 'nick'"),
        ("[" * 5000, "there is no column"),
    ],
)
def test_what_is_wrong_is_named(shell: Shell, text: str, why: str) -> None:
    """It says the line, and nothing is made."""
    result = shell.run("import", "accounts", given_file(shell, text))
    assert result.exit_code == 1
    assert why in result.stderr
    assert not shell.database.exists()


def test_skip_bad(shell: Shell) -> None:
    """The other lines can be imported."""
    file = given_file(shell, "name,role,password\nalice,king,x\nbob,user,correct horse\n")
    assert shell.run("import", "accounts", "--skip-bad", file).exit_code == 0
    assert [one["name"] for one in shell.json("user", "list")] == ["bob"]


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text(lines: list[str]) -> None:
    """Whatever stands in the file, the answer is accounts, errors by line, or one line."""
    text = [f"{line}\n" for line in ("name,role", *lines)]
    try:
        found, errors = read_accounts(text)
    except InvalidValue:
        return
    assert len(found.accounts) + len(errors) <= sum(line.count("\r") + line.count("\n") + 1 for line in lines)
    assert set(COLUMNS) >= {"name", "role"}


def test_a_long_password_of_another_program() -> None:
    """Plain bcrypt sees 72 bytes, as everywhere; a control character has no password here."""
    stored = passwords.PLAIN + bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert passwords.verify("x" * 90, stored, 4)
    assert not passwords.verify("x" * 71, stored, 4)
    assert not passwords.verify("\x07", passwords.PLAIN + bcrypt.hashpw(b"\x07", bcrypt.gensalt(4)).decode(), 4)
