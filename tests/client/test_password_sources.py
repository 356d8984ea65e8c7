"""Passwords that nobody types: from a program, or from the keyring."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailKeyring

from chatroom.client.password_sources import can_keep, find_in_keyring, keep_in_keyring, run_command
from chatroom.errors import PasswordUnavailable


def python(code: str) -> tuple[str, ...]:
    """Return the command that runs this code."""
    return (sys.executable, "-c", code)


def test_the_first_line_of_a_program_is_the_password() -> None:
    """Further lines, which password managers use for notes, are ignored; spaces belong to the password."""
    assert run_command(python("print(' two words \\nuser: ann')")) == " two words "
    assert run_command(python("print('x', end='')")) == "x"
    assert run_command(python("print('\\ufeffx')")) == "x"  # a byte order mark is none of it


@pytest.mark.parametrize(
    "words, why",
    [
        (("/no/such/program",), "cannot run /no/such/program: No such file or directory"),
        (python("print('s3cret'); raise SystemExit(3)"), "ended with exit code 3"),
        (python("import os; os.kill(os.getpid(), 9)"), "ended with signal 9"),
        (python("print()"), "is empty"),
        (python("import sys; sys.stdout.buffer.write(b'\\xff')"), "printed no UTF-8 text"),
    ],
)
def test_a_program_that_gives_no_password(words: tuple[str, ...], why: str) -> None:
    """The error says what has happened, and nothing that the program printed."""
    with pytest.raises(PasswordUnavailable, match=why) as caught:
        run_command(words)
    assert "s3cret" not in str(caught.value)


class Desktop(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.error: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password, or None."""
        if self.error is not None:
            raise self.error
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""
        if self.error is not None:
            raise self.error
        self.kept[service, username] = password


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    """The keyring of the desktop."""
    before, now = keyring.get_keyring(), Desktop()
    keyring.set_keyring(now)
    yield now
    keyring.set_keyring(before)


def test_the_keyring_has_an_entry_for_each_account_and_server(desktop: Desktop) -> None:
    """What ``keyring set`` stores is found; the same account on another port may be that of another server."""
    keyring.set_password("chatroom", "ann@chat.example.org:6697", "s3cret")
    assert find_in_keyring("ann", "chat.example.org:6697") == "s3cret"
    assert find_in_keyring("ann", "chat.example.org:7000") == ""
    assert find_in_keyring("bob", "chat.example.org:6697") == ""


@pytest.mark.parametrize(
    "error, why",
    [
        (RuntimeError("No recommended backend was available.\nInstall one."), "No recommended backend was available"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_keyring_that_fails_is_one_line(desktop: Desktop, error: Exception, why: str) -> None:
    """Whatever a backend raises becomes one sentence."""
    desktop.error = error
    with pytest.raises(PasswordUnavailable, match=f"the keyring cannot be used: {why}$"):
        find_in_keyring("ann", "host:1")


def test_a_keyring_that_has_no_text(desktop: Desktop) -> None:
    """What is no text is no password, whatever the types of keyring's backends say."""
    desktop.kept["chatroom", "ann@host:1"] = b"s3cret"  # type: ignore[assignment]
    with pytest.raises(PasswordUnavailable, match="it has bytes instead of a text"):
        find_in_keyring("ann", "host:1")


def test_without_the_package_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is optional; the error says how to install it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(PasswordUnavailable, match=r"pip install 'chatroom\[keyring\]'"):
        find_in_keyring("ann", "host:1")


def test_a_password_is_kept_as_it_is_found(desktop: Desktop) -> None:
    """Without a keyring that works nothing is offered; one that fails is told in one line."""
    assert can_keep()
    keep_in_keyring("ann", "chat.example.org:6697", "s3cret")
    assert find_in_keyring("ann", "chat.example.org:6697") == "s3cret"
    desktop.error = RuntimeError("locked.\nSee the manual.")
    with pytest.raises(PasswordUnavailable, match=r"^the keyring cannot be used: locked$"):
        keep_in_keyring("ann", "chat.example.org:6697", "s3cret")
    keyring.set_keyring(FailKeyring())  # type: ignore[no-untyped-call]
    assert not can_keep()
