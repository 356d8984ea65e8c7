"""``chatroomctl`` and passwords that are too weak for an admin or a moderator."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.shell import Shell

from chatroom.chat.stored.records import Actor, Role


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path / "chatroom.db")


def details(shell: Shell, name: str) -> list[str]:
    """Return what the audit says of an account, oldest first."""
    return [entry["detail"] for entry in shell.json("audit", "list", "--target", name)]


@pytest.mark.parametrize(
    "call, role",
    [
        (("create-admin", "bob"), "an admin"),
        (("create", "bob", "--role", "admin"), "an admin"),
        (("create", "bob", "--role", "moderator"), "a moderator"),
    ],
)
@pytest.mark.parametrize(
    "password, why", [("a", "fewer than 8 characters"), ("password1", "one of the most common passwords")]
)
def test_from_standard_input_it_is_taken_with_a_warning(
    shell: Shell, call: tuple[str, ...], role: str, password: str, why: str
) -> None:
    """The warning says why, and the audit that it was weak. A new password that is not weak is not warned of."""
    result = shell.run("user", *call, "--password-stdin", stdin=password)
    assert (result.exit_code, len(result.stderr.splitlines())) == (0, 1)
    assert f"the password is weak for {role}: it " in result.stderr
    assert why in result.stderr
    assert details(shell, "bob")[0].endswith(", weak password")
    shell.done("user", "passwd", "bob", "--password-stdin", stdin="correct horse")
    assert "weak for" in shell.run("user", "passwd", "bob", "--password-stdin", stdin=password).stderr
    assert details(shell, "bob")[1:] == ["", "weak password"]


def test_of_a_user_it_is_only_noted(shell: Shell) -> None:
    """A user may have a weak password. The audit says so, and making that user a moderator warns of it."""
    shell.done("user", "create", "bob", "--password-stdin", stdin="password1")
    assert details(shell, "bob") == ["role user, weak password"]
    result = shell.run("user", "set-role", "bob", "moderator")
    assert (result.exit_code, "the password of bob is weak" in result.stderr) == (0, True)
    shell.done("user", "passwd", "bob", "--password-stdin", stdin="correct horse")
    shell.done("user", "set-role", "bob", "admin")
    shell.done("user", "set-role", "bob", "user", "--force")


def test_a_password_from_the_chat_is_not_known(shell: Shell) -> None:
    """Of an account that was registered in the chat only the hash is known: the warning says so."""
    shell.create("ada")
    with shell.stores() as stores:
        stores.accounts.create("bob", Role.USER, [], Actor("bob", "192.0.2.7"))
    result = shell.run("user", "set-role", "bob", "moderator")
    assert result.exit_code == 0
    assert "was set from the chat" in result.stderr
    assert "chatroomctl user passwd bob" in result.stderr


def test_at_a_prompt_it_is_asked_for_again(shell: Shell) -> None:
    """A weak password is refused with the reason and not shown, until one is given that is not weak."""
    shell.answer(
        *("user", "create-admin", "alexandrina"),
        prompts=(
            ("Password: ", "short"),
            ("too weak for an admin: it has fewer than 8 characters.*Password: ", "password123"),
            ("most common passwords.*Password: ", "Alexandrina"),
            ("name of the account.*Password: ", "correct horse"),
            ("Repeat the password: ", "correct horse"),
        ),
    )
    assert details(shell, "alexandrina") == ["role admin"]
