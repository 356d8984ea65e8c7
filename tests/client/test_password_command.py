"""Passwords from a program."""

from __future__ import annotations

import sys

import pytest

from chatroom.client.password_sources import run_command
from chatroom.errors import PasswordUnavailable


def python(code: str) -> tuple[str, ...]:
    """Return the command that runs this code."""
    return (sys.executable, "-c", code)


def test_the_first_line_of_a_program_is_the_password() -> None:
    """Further lines, which password managers use for notes, are ignored; spaces belong to the password."""
    assert run_command(python("print(' two words \\nuser: ann')")) == " two words "
    assert run_command(python("print('x', end='')")) == "x"


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
