from __future__ import annotations

import os
import pwd
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pexpect
import pytest
from harness.shell import ENVIRONMENT, Shell
from harness.verifiers import find_verifier

from chatroom.chat.admission.passwords import verify
from chatroom.chat.stored.records import Actor, Role

USER = pwd.getpwuid(os.getuid()).pw_name
COMMANDS = ("create", "create-admin", "list", "show", "passwd", "set-role", "disable", "enable", "rename", "delete")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path / "data" / "chatroom.db")


def holds(shell: Shell, name: str, password: str) -> bool:
    """Return True if that is the password of the account."""
    with shell.stores() as stores:
        return verify(password, find_verifier(stores, name), 4)


def test_create_makes_the_database_and_says_where(shell: Shell) -> None:
    """The first account creates the database. The output names account, role and database, and the password works."""
    said = shell.done("user", "create", "Alice", "--password-stdin", stdin="correct horse\n")
    assert said == f"Created the account Alice (user) in {shell.database}\n"
    assert holds(shell, "alice", "correct horse")
    assert not holds(shell, "alice", "correct horse\n")
    assert shell.database.stat().st_mode & 0o777 == 0o600


def test_create_admin(shell: Shell) -> None:
    """ "create-admin" creates an account with the highest role and audits it under the shell user."""
    shell.done("user", "create-admin", "alice", "--password-stdin", stdin="correct horse")
    with shell.stores() as stores:
        assert stores.accounts.get("alice").role is Role.ADMIN
        (entry,) = stores.audit.list_entries()
    assert (entry.actor, entry.origin, entry.action, entry.target) == (USER, "cli", "user.create", "alice")


def test_create_prints_json(shell: Shell) -> None:
    """The document has the database and the account, with its time as ISO 8601 in UTC."""
    made = shell.json("user", "create", "bob", "--role", "moderator", "--password-stdin", stdin="correct horse\n")
    assert made["database"] == str(shell.database)
    assert (made["account"]["id"], made["account"]["name"], made["account"]["role"]) == (1, "bob", "moderator")
    assert made["account"]["created_at"].endswith("Z")
    assert datetime.fromisoformat(made["account"]["created_at"]).tzinfo is not None


@pytest.mark.parametrize("name", ["", "1up", "a b", "a.b", "#room", "a*", "x" * 33, "-x", "\udcff", "a\x1b[31m"])
def test_names_that_nobody_may_have(shell: Shell, name: str) -> None:
    """A name that no nick can have is refused in one harmless line and creates no database."""
    said = shell.refused("user", "create", "--password-stdin", "--", name, stdin="correct horse\n")
    assert said.isprintable()
    assert not shell.database.exists()


def test_taken_name(shell: Shell) -> None:
    """A name is taken in any case of letters. The refusal comes before the password is asked for."""
    shell.create("Alice")
    assert "Alice" in shell.refused("user", "create", "aLICE")


def test_mail_address(shell: Shell) -> None:
    """``user show`` has the address that was given at the registration; lists do not."""
    shell.create("bob")
    assert shell.json("user", "show", "bob")["email"] is None
    with shell.stores() as stores:
        stores.accounts.create("alice", Role.USER, [], Actor("alice", "192.0.2.1"), "alice@example.org")
    assert shell.json("user", "show", "alice")["email"] == "alice@example.org"
    assert "alice@example.org" in shell.done("user", "show", "alice")
    for listing in (["user", "list"], ["user", "list", "--json"], ["audit", "list"]):
        assert "example.org" not in shell.done(*listing)


@pytest.mark.parametrize("name", ["NickServ", "ADMIN", "Adrnin"])
def test_reserved_name(shell: Shell, name: str) -> None:
    """A reserved name takes --force, and the refusal comes before the password is asked for."""
    said = shell.refused("user", "create", name)
    assert "reserved for the server" in said
    assert "--force" in said
    assert "--force" in shell.refused("user", "create", name, "--role", "moderator")
    assert not shell.database.exists()
    shell.done("user", "create", name, "--force", "--password-stdin", stdin="correct horse\n")
    shell.done("user", "passwd", name, "--password-stdin", stdin="correct horse\n")


def test_an_admin_may_have_a_reserved_name(shell: Shell) -> None:
    """The name Admin says what an admin is, so it takes no --force."""
    shell.done("user", "create-admin", "admin", "--password-stdin", stdin="correct horse\n")
    shell.create("Operator", "admin")


@pytest.mark.parametrize(
    "given, why",
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"two\nlines", "character"),
        (b"bad \xff bytes", "not UTF-8"),
        (b"x" * 2000, "longer"),
    ],
)
def test_passwords_that_are_not_taken(shell: Shell, given: bytes, why: str) -> None:
    """An unusable password is refused, never shown, and creates no account."""
    said = shell.refused("user", "create", "alice", "--password-stdin", stdin=given)
    assert why in said
    assert not shell.database.exists()


def test_longest_password_is_whole(shell: Shell) -> None:
    """The longest password counts to its last character."""
    password = "x" * 1024
    shell.create("alice", password=password)
    assert holds(shell, "alice", password)
    assert not holds(shell, "alice", password[:-1])


def test_nobody_to_ask(shell: Shell) -> None:
    """Without a terminal the error names --password-stdin."""
    assert "--password-stdin" in shell.refused("user", "create", "alice")


def test_no_password_as_an_argument(shell: Shell) -> None:
    """No option takes a password on the command line."""
    shell.misused("user", "create", "alice", "correct horse")
    shell.misused("user", "create", "alice", "--password", "correct horse")


@pytest.mark.parametrize("command", ["show", "passwd", "disable", "enable", "delete"])
def test_unknown_accounts_and_databases(shell: Shell, command: str) -> None:
    """An unknown name and a missing database are refused. The database is not created."""
    assert "there is no database" in shell.refused("user", command, "alice")
    assert not shell.database.parent.exists()
    shell.create("bob")
    assert "alice" in shell.refused("user", command, "alice")
    assert "valid Unicode" in shell.refused("user", command, "\udcff")


def test_list(shell: Shell) -> None:
    """The table has a line for each account, sorted by name. The document has the same accounts."""
    shell.create("zoe")
    shell.create("Bob", "moderator")
    shell.done("user", "disable", "zoe")
    lines = shell.done("user", "list").splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["NAME", "ROLE", "STATE"],
        ["Bob", "moderator", "enabled"],
        ["zoe", "user", "disabled"],
    ]
    assert [(one["name"], one["role"], one["disabled"]) for one in shell.json("user", "list")] == [
        ("Bob", "moderator", False),
        ("zoe", "user", True),
    ]


def test_show(shell: Shell) -> None:
    """An account is shown with its role, its state and any ban on its name, never with its password hash."""
    shell.create("Alice", "admin")
    said = shell.done("user", "show", "ALICE")
    assert [line.split(maxsplit=1)[0] for line in said.splitlines()][:4] == ["Name", "Id", "Role", "State"]
    assert "Alice" in said
    assert "admin" in said
    assert "$2b$" not in said
    assert shell.json("user", "show", "alice")["ban"] is None
    with shell.stores() as stores:
        stores.bans.add("name", "ALICE", "", None, Actor("root", "cli"))
    assert shell.json("user", "show", "alice")["ban"]["by"] == "root"
    assert "yes, by root (ban 1)" in shell.done("user", "show", "alice")


def test_passwd(shell: Shell) -> None:
    """After a change the new password works and the old one does not."""
    shell.create("alice", password="correct horse")
    said = shell.done("user", "passwd", "ALICE", "--password-stdin", stdin="battery staple\n")
    assert said == f"Changed the password of alice in {shell.database}\n"
    assert holds(shell, "alice", "battery staple")
    assert not holds(shell, "alice", "correct horse")


def test_set_role(shell: Shell) -> None:
    """The output has the new role and the old one. Setting the same role again changes and audits nothing."""
    shell.create("alice", "admin")
    shell.create("bob")
    assert shell.done("user", "set-role", "bob", "moderator") == (
        f"Changed the role of bob from user to moderator in {shell.database}\n"
    )
    assert "already" in shell.done("user", "set-role", "bob", "moderator")
    assert len(shell.json("audit", "list", "--target", "bob")) == 2
    assert "root" in shell.misused("user", "set-role", "bob", "root")


def test_disable_and_enable(shell: Shell) -> None:
    """An account is disabled and enabled. Doing either twice is no error."""
    shell.create("bob")
    assert shell.done("user", "disable", "bob") == f"Disabled the account bob in {shell.database}\n"
    assert "already" in shell.done("user", "disable", "bob")
    assert shell.done("user", "enable", "bob") == f"Enabled the account bob in {shell.database}\n"
    assert "already" in shell.done("user", "enable", "bob")
    actions = [entry["action"] for entry in shell.json("audit", "list")]
    assert actions == ["user.create", "user.disable", "user.enable"]


def test_rename(shell: Shell) -> None:
    """The account keeps its id and password; the old name is free. A taken or reserved name is refused."""
    shell.create("bob")
    shell.create("eve")
    before = shell.json("user", "show", "bob")["account"]
    assert shell.done("user", "rename", "BOB", "Robert") == f"Renamed the account bob to Robert in {shell.database}\n"
    assert shell.json("user", "show", "robert")["account"] == {**before, "name": "Robert"}
    assert holds(shell, "robert", "correct horse")
    assert "bob" in shell.refused("user", "show", "bob")
    assert "eve" in shell.refused("user", "rename", "robert", "EVE")
    assert "--force" in shell.refused("user", "rename", "robert", "NickServ")
    assert "1.2.3.4" in shell.refused("user", "rename", "robert", "1.2.3.4")
    found = shell.json("user", "rename", "robert", "rob")
    assert (found["before"], found["account"]["name"]) == ("Robert", "rob")
    # The audit has the password under the first name; nothing is wrong with it.
    assert shell.run("user", "set-role", "rob", "moderator").stderr == ""


def test_delete_asks(shell: Shell) -> None:
    """Without a terminal --yes is required. After the deletion the name is free."""
    shell.create("bob")
    assert "--yes" in shell.refused("user", "delete", "bob")
    assert len(shell.json("user", "list")) == 1
    assert shell.done("user", "delete", "bob", "--yes") == f"Deleted the account bob from {shell.database}\n"
    shell.create("BOB")


@pytest.mark.parametrize("call", [("disable", "alice"), ("set-role", "alice", "user"), ("delete", "alice", "--yes")])
def test_last_admin_is_kept(shell: Shell, call: tuple[str, ...]) -> None:
    """The only admin that can log in is kept. A disabled or banned admin does not count as another one."""
    shell.create("alice", "admin")
    shell.create("carol", "admin")
    shell.done("user", "disable", "carol")
    assert "--force" in shell.refused("user", *call)
    shell.done("user", "enable", "carol")
    shell.done("ban", "add", "CAROL")
    assert "--force" in shell.refused("user", *call)
    shell.done("ban", "add", "alice", "--yes")
    shell.done("ban", "remove", "carol")
    shell.done("ban", "add", "carol", "--yes")
    assert "--force" in shell.refused("user", *call)
    shell.done("ban", "remove", "carol")
    shell.done("user", *call)


@pytest.mark.parametrize("call", [("disable", "alice"), ("set-role", "alice", "user"), ("delete", "alice", "--yes")])
def test_last_admin_may_be_forced(shell: Shell, call: tuple[str, ...]) -> None:
    """--force takes the last admin. A disabled admin needs no --force."""
    shell.create("alice", "admin")
    shell.create("carol", "admin")
    shell.done("user", "disable", "carol")
    shell.done("user", "delete", "carol", "--yes")
    shell.done("user", *call, "--force")
    with shell.stores() as stores:
        assert stores.accounts.count_admins() == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(shell: Shell, command: str) -> None:
    """The help of every command has an example."""
    said = shell.done("user", command, "--help")
    assert f"chatroomctl user {command}" in said.partition("Example")[2]


def test_a_short_password_is_taken_with_a_warning(shell: Shell) -> None:
    """A password shorter than the chat allows is accepted with a warning."""
    result = shell.run("user", "create", "bob", "--password-stdin", stdin=b"abc")
    assert result.exit_code == 0
    assert "in the chat it would need 6 characters" in result.stderr
    assert shell.json("user", "show", "bob")["account"]["name"] == "bob"


def test_password_is_asked_for_twice_without_echo(shell: Shell) -> None:
    """At a terminal the password is typed twice and never shown. If the two differ, it is asked for again."""
    last = shell.answer(
        *("user", "create-admin", "alice"),
        prompts=(
            ("Password: ", "correct horse"),
            ("Repeat the password: ", "correct hose"),
            ("do not match.*Password: ", "correct horse"),
            ("Repeat the password: ", "correct horse"),
        ),
    )
    assert f"Created the account alice (admin) in {shell.database}" in last
    assert holds(shell, "alice", "correct horse")


def test_deletion_is_confirmed_at_a_terminal(shell: Shell) -> None:
    """The answer no keeps the account and gives exit code 1. The answer yes deletes it."""
    shell.create("bob")
    for answer, code in (("n", 1), ("y", 0)):
        child = pexpect.spawn(
            sys.executable,
            ["-m", "chatroom.ctl", "--database", str(shell.database), "user", "delete", "bob"],
            encoding="utf-8",
            timeout=30,
            cwd=str(Path(__file__).parents[2]),
        )
        child.expect("Permanently delete the account bob.*: ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code
        assert len(shell.json("user", "list")) == code


def test_as_a_process(shell: Shell) -> None:
    """In a process of its own, with pipes: output, one line on stderr, exit codes."""

    def call(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "chatroom.ctl", "--database", str(shell.database), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **ENVIRONMENT},
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    assert call("user", "create", "alice", "--password-stdin", stdin="correct horse\n") == (
        0,
        f"Created the account alice (user) in {shell.database}\n",
        "",
    )
    code, out, err = call("user", "create", "ALICE", "--password-stdin", stdin="correct horse\n")
    assert (code, out, err.count("\n")) == (1, "", 1)
    code, out, _ = call("user", "promote", "alice")
    assert (code, out) == (2, "")


def test_set_always_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """``user show`` has it, the audit too, and ``accounts.always_on_max`` bounds it."""
    shell.create("bob")
    shell.create("eve")
    assert "Switched always-on on" in shell.done("user", "set-always-on", "bob", "on")
    assert "already" in shell.done("user", "set-always-on", "bob", "on")
    assert shell.json("user", "show", "bob")["account"]["always_on"] is True
    assert "user.set-always-on" in shell.done("audit", "list")
    monkeypatch.setenv("CHATROOM_ACCOUNTS__ALWAYS_ON_MAX", "1")
    assert "always_on_max" in shell.refused("user", "set-always-on", "eve", "on")
    assert shell.json("user", "set-always-on", "bob", "off")["account"]["always_on"] is False
    shell.done("user", "set-always-on", "eve", "on")
