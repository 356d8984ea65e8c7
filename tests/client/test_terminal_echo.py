"""What a terminal shows of typed text, on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import termios
from collections.abc import Iterator

import pytest

from chatroom.client.terminal_echo import TerminalEcho


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """The user's end and the program's end of a pseudo-terminal."""
    user, program = os.openpty()
    yield user, program
    os.close(user)
    os.close(program)


def is_echoing(program: int) -> bool:
    """True if the terminal shows what is typed."""
    return bool(termios.tcgetattr(program)[3] & termios.ECHO)


def test_typed_text_is_hidden_and_shown_again(ends: tuple[int, int]) -> None:
    """A password does not come back to the user's screen; what is typed after it does."""
    user, program = ends
    echo = TerminalEcho(program)
    echo.show(False)
    os.write(user, b"secret\n")
    assert os.read(program, 100) == b"secret\n"
    assert not is_echoing(program)
    echo.show(True)
    os.write(user, b"hi\n")
    assert os.read(program, 100) == b"hi\n"
    assert os.read(user, 100).strip() == b"hi"


def test_an_echo_that_another_program_changed_is_left(ends: tuple[int, int]) -> None:
    """Showing what is shown already changes nothing, so that an echo that the user switched off stays off."""
    _, program = ends
    attributes = termios.tcgetattr(program)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(program, termios.TCSANOW, attributes)
    TerminalEcho(program).show(True)
    assert not is_echoing(program)


def test_what_was_typed_is_dropped(ends: tuple[int, int]) -> None:
    """A line that was typed before a question is not taken for its answer."""
    user, program = ends
    os.write(user, b"too early\n")
    TerminalEcho(program).drop_typed()
    assert not select.select([program], [], [], 0)[0]
    os.write(user, b"answer\n")
    assert os.read(program, 100) == b"answer\n"


def test_a_pipe_is_left_alone() -> None:
    """Where stdin is no terminal, hiding and dropping change nothing: every line is read."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"line\n")
        echo = TerminalEcho(reading)
        echo.show(False)
        echo.drop_typed()
        echo.show(True)
        assert os.read(reading, 100) == b"line\n"
    finally:
        os.close(reading)
        os.close(writing)
