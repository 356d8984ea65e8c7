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

from chatroom.chat.admission.passwords import verify
from chatroom.chat.stored.records import Actor, Role

USER = pwd.getpwuid(os.getuid()).pw_name
COMMANDS = ("create", "create-admin", "list", "show", "passwd", "set-role", "disable", "enable", "delete")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """No database yet."""
    return Shell(tmp_path / "data" / "chatroom.db")


def holds(shell: Shell, name: str, password: str) -> bool:
    """Whether that is the account's password."""
    with shell.stores() as stores:
        account = stores.accounts.get(name)
        return verify(password, stores.accounts.find_credential(account.id, "bcrypt"), 4)


def test_create_makes_the_database_and_says_where(shell: Shell) -> None:
    """The first account makes the database; the line names account, role and database; the password holds."""
    said = shell.done("user", "create", "Alice", "--password-stdin", stdin="correct horse\n")
    assert said == f"Created the account Alice (user) in {shell.database}\n"
    assert holds(shell, "alice", "correct horse")
    assert not holds(shell, "alice", "correct horse\n")
    assert shell.database.stat().st_mode & 0o777 == 0o600


def test_create_admin(shell: Shell) -> None:
    """create-admin is create with the highest role, and audited in the shell user's name."""
    shell.done("user", "create-admin", "alice", "--password-stdin", stdin="correct horse")
    with shell.stores() as stores:
        assert stores.accounts.get("alice").role is Role.ADMIN
        (entry,) = stores.audit.list_entries()
    assert (entry.actor, entry.origin, entry.action, entry.target) == (USER, "cli", "user.create", "alice")


def test_create_prints_json(shell: Shell) -> None:
    """The document has the database and the account, its moment as ISO 8601 in UTC."""
    made = shell.json("user", "create", "bob", "--role", "moderator", "--password-stdin", stdin="correct horse\n")
    assert made["database"] == str(shell.database)
    assert (made["account"]["id"], made["account"]["name"], made["account"]["role"]) == (1, "bob", "moderator")
    assert made["account"]["created_at"].endswith("Z")
    assert datetime.fromisoformat(made["account"]["created_at"]).tzinfo is not None


@pytest.mark.parametrize("name", ["", "1up", "a b", "a.b", "#room", "a*", "x" * 33, "-x", "\udcff", "a\x1b[31m"])
def test_names_that_nobody_may_have(shell: Shell, name: str) -> None:
    """A name that no nick may have is refused in one harmless line, and makes no database."""
    said = shell.refused("user", "create", "--password-stdin", "--", name, stdin="correct horse\n")
    assert said.isprintable()
    assert not shell.database.exists()


def test_taken_name(shell: Shell) -> None:
    """A name is taken in any case, which is said before a password is asked for."""
    shell.create("Alice")
    assert "Alice" in shell.refused("user", "create", "aLICE")


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
    """A password that will not do is refused, never shown, and leaves no account."""
    said = shell.refused("user", "create", "alice", "--password-stdin", stdin=given)
    assert why in said
    assert not shell.database.exists()


def test_longest_password_is_whole(shell: Shell) -> None:
    """The longest password that is taken is taken to its last character."""
    password = "x" * 1024
    shell.create("alice", password=password)
    assert holds(shell, "alice", password)
    assert not holds(shell, "alice", password[:-1])


def test_nobody_to_ask(shell: Shell) -> None:
    """Without a terminal and without --password-stdin the way out is told."""
    assert "--password-stdin" in shell.refused("user", "create", "alice")


def test_no_password_as_an_argument(shell: Shell) -> None:
    """There is no way to put a password on the command line."""
    shell.misused("user", "create", "alice", "correct horse")
    shell.misused("user", "create", "alice", "--password", "correct horse")


@pytest.mark.parametrize("command", ["show", "passwd", "disable", "enable", "delete"])
def test_unknown_accounts_and_databases(shell: Shell, command: str) -> None:
    """A name that nobody has is refused; so is a database that is not there, which is not made."""
    assert "there is no database" in shell.refused("user", command, "alice")
    assert not shell.database.parent.exists()
    shell.create("bob")
    assert "alice" in shell.refused("user", command, "alice")
    assert "valid Unicode" in shell.refused("user", command, "\udcff")


def test_list(shell: Shell) -> None:
    """The table has a line an account, by name; the document the same accounts."""
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
    """An account is shown with its role, state and whether its name is banned, and never its secret."""
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
    """A new password holds, and the old one no longer."""
    shell.create("alice", password="correct horse")
    said = shell.done("user", "passwd", "ALICE", "--password-stdin", stdin="battery staple\n")
    assert said == f"Changed the password of alice in {shell.database}\n"
    assert holds(shell, "alice", "battery staple")
    assert not holds(shell, "alice", "correct horse")


def test_set_role(shell: Shell) -> None:
    """A role is changed and told with the one before; the same role again changes and audits nothing."""
    shell.create("alice", "admin")
    shell.create("bob")
    assert shell.done("user", "set-role", "bob", "moderator") == (
        f"Changed the role of bob from user to moderator in {shell.database}\n"
    )
    assert "already" in shell.done("user", "set-role", "bob", "moderator")
    assert len(shell.json("audit", "list", "--target", "bob")) == 2
    assert "root" in shell.misused("user", "set-role", "bob", "root")


def test_disable_and_enable(shell: Shell) -> None:
    """An account is disabled and enabled, once each; twice is no fault."""
    shell.create("bob")
    assert shell.done("user", "disable", "bob") == f"Disabled the account bob in {shell.database}\n"
    assert "already" in shell.done("user", "disable", "bob")
    assert shell.done("user", "enable", "bob") == f"Enabled the account bob in {shell.database}\n"
    assert "already" in shell.done("user", "enable", "bob")
    actions = [entry["action"] for entry in shell.json("audit", "list")]
    assert actions == ["user.create", "user.disable", "user.enable"]


def test_delete_asks(shell: Shell) -> None:
    """Where nobody can be asked, nothing is deleted without --yes; then the name is free."""
    shell.create("bob")
    assert "--yes" in shell.refused("user", "delete", "bob")
    assert len(shell.json("user", "list")) == 1
    assert shell.done("user", "delete", "bob", "--yes") == f"Deleted the account bob from {shell.database}\n"
    shell.create("BOB")


@pytest.mark.parametrize("call", [("disable", "alice"), ("set-role", "alice", "user"), ("delete", "alice", "--yes")])
def test_last_admin_is_kept(shell: Shell, call: tuple[str, ...]) -> None:
    """The only admin who can log in stays one, unless forced; a disabled admin is no other."""
    shell.create("alice", "admin")
    shell.create("carol", "admin")
    shell.done("user", "disable", "carol")
    assert "--force" in shell.refused("user", *call)
    shell.done("user", "enable", "carol")
    shell.done("user", *call)


@pytest.mark.parametrize("call", [("disable", "alice"), ("set-role", "alice", "user"), ("delete", "alice", "--yes")])
def test_last_admin_may_be_forced(shell: Shell, call: tuple[str, ...]) -> None:
    """With --force the last admin goes; another admin who is disabled already may go without."""
    shell.create("alice", "admin")
    shell.create("carol", "admin")
    shell.done("user", "disable", "carol")
    shell.done("user", "delete", "carol", "--yes")
    shell.done("user", *call, "--force")
    with shell.stores() as stores:
        assert stores.accounts.count_admins() == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(shell: Shell, command: str) -> None:
    """Every command shows how it is called."""
    said = shell.done("user", command, "--help")
    assert f"chatroomctl user {command}" in said.partition("Example")[2]


def test_a_short_password_is_taken_with_a_warning(shell: Shell) -> None:
    """Who has the shell decides; the length that the chat would ask for is told."""
    result = shell.run("user", "create", "bob", "--password-stdin", stdin=b"abc")
    assert result.exit_code == 0
    assert "in the chat it would need 6 characters" in result.stderr
    assert shell.json("user", "show", "bob")["account"]["name"] == "bob"


def test_password_is_asked_for_twice_without_echo(shell: Shell) -> None:
    """At a terminal a password is typed twice and never shown; not the same twice, it is asked anew."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "chatroom.ctl", "--database", str(shell.database), "user", "create-admin", "alice"],
        encoding="utf-8",
        timeout=30,
        cwd=str(Path(__file__).parents[2]),
        env={**os.environ, **ENVIRONMENT},
    )
    for prompt, answer in (
        ("Password: ", "correct horse"),
        ("The same again: ", "correct hose"),
        ("do not match.*Password: ", "correct horse"),
        ("The same again: ", "correct horse"),
    ):
        child.expect(prompt)
        child.waitnoecho(20)
        child.sendline(answer)
        assert answer not in child.before
    child.expect(pexpect.EOF)
    assert "correct" not in child.before
    assert f"Created the account alice (admin) in {shell.database}" in child.before
    child.close()
    assert child.exitstatus == 0
    assert holds(shell, "alice", "correct horse")


def test_deletion_is_confirmed_at_a_terminal(shell: Shell) -> None:
    """A no keeps the account and is exit code 1, a yes deletes it."""
    shell.create("bob")
    for answer, code in (("n", 1), ("y", 0)):
        child = pexpect.spawn(
            sys.executable,
            ["-m", "chatroom.ctl", "--database", str(shell.database), "user", "delete", "bob"],
            encoding="utf-8",
            timeout=30,
            cwd=str(Path(__file__).parents[2]),
        )
        child.expect("Delete the account bob.*: ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code
        assert len(shell.json("user", "list")) == code


def test_as_a_process(shell: Shell) -> None:
    """From a pipe, as a process of its own: output, one line on stderr, exit codes."""

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
