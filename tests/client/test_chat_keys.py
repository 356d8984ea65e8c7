"""The keys of the prompt, without a terminal: a pipe types, and what Enter returns is looked at."""

from __future__ import annotations

import asyncio
import os
import signal
import termios

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from chatroom.client.chat_keys import MOST_LISTED, QuietInput, TabCycle, make_keys
from chatroom.client.completion import Candidate

NAMES = ("alice", "albert", "bob")


def complete(line: str) -> list[Candidate]:
    """Complete the last word to the names that begin with it."""
    word = line.split(" ")[-1]
    return [Candidate(f"{name} ", name, len(word)) for name in NAMES if name.startswith(word)]


def typed(keys: str) -> tuple[str, list[str]]:
    """Return what the prompt gives for these keys, and the lists of candidates that it has shown."""
    shown: list[str] = []

    async def run() -> str:
        with create_pipe_input() as pipe:
            pipe.send_text(keys)
            session: PromptSession[str] = PromptSession(
                input=pipe, output=DummyOutput(), key_bindings=make_keys(complete, shown.append), multiline=True
            )
            return await session.prompt_async("> ")

    return asyncio.run(run()), shown


def test_tab_completes_a_nick_and_lists_the_others_once() -> None:
    """The first Tab takes the first candidate and lists all, the second Tab takes the second."""
    assert typed("hi al\t\r") == ("hi alice ", ["alice  albert"])
    assert typed("hi al\t\t\r") == ("hi albert ", ["alice  albert"])
    assert typed("hi al\t\t\t\r") == ("hi alice ", ["alice  albert"])


def test_tab_lists_nothing_where_one_or_none_fits() -> None:
    """A single candidate is taken without a list, and a word that nobody has stays as it is."""
    assert typed("bo\t\r") == ("bob ", [])
    assert typed("zoe\t\r") == ("zoe", [])


def test_typing_on_begins_another_completion() -> None:
    """What is typed after a completion is completed anew."""
    assert typed("al\tbo\t\r") == ("alice bob ", ["alice  albert"])


def test_enter_sends_and_alt_enter_begins_a_line() -> None:
    """A message of two lines is typed with Alt-Enter between them; Enter alone sends it."""
    assert typed("one\x1b\rtwo\r") == ("one\ntwo", [])
    assert typed("one\x1b\ntwo\r") == ("one\ntwo", [])


def test_tab_keeps_what_follows_the_cursor() -> None:
    """A word in the middle is completed there, and the cursor stands behind it."""
    buffer = Buffer(document=Document("hi bo you", 5))
    TabCycle(complete, lambda names: None).press(buffer)
    assert (buffer.text, buffer.cursor_position) == ("hi bob  you", 7)


def test_a_long_list_says_how_many_more_there_are() -> None:
    """No more than the first candidates are listed, with the number of the rest."""
    shown: list[str] = []
    many = [Candidate(f"n{number}", f"n{number}", 1) for number in range(MOST_LISTED + 5)]
    TabCycle(lambda line: many, shown.append).press(Buffer(document=Document("n", 1)))
    assert shown[0].endswith(f"n{MOST_LISTED - 1}  … 5 more")


def test_ctrl_z_gives_the_shell_its_echo_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the job is stopped the terminal echoes; what was being typed is sent after it goes on."""
    user, program = os.openpty()
    stops: list[tuple[int, int, bool]] = []
    painted = asyncio.Event()  # the prompt, which reads keys from then on

    def stop(process: int, number: int) -> None:
        stops.append((process, number, bool(termios.tcgetattr(program)[3] & termios.ECHO)))
        painted.clear()

    monkeypatch.setattr("chatroom.client.chat_keys.os.kill", stop)

    async def run(keys: QuietInput) -> str:
        session: PromptSession[str] = PromptSession(
            input=keys, output=DummyOutput(), key_bindings=make_keys(complete, print), multiline=True
        )
        session.app.after_render += lambda app: painted.set()
        prompt = asyncio.create_task(session.prompt_async("> "))
        await painted.wait()
        os.write(user, b"half \x1a")
        while not stops:
            painted.clear()
            await painted.wait()
        await painted.wait()
        os.write(user, b"a line\r")
        return await prompt

    with os.fdopen(program, "r", closefd=False) as stdin:
        try:
            assert asyncio.run(run(QuietInput(stdin))) == "half a line"
        finally:
            os.close(user)
    os.close(program)
    assert stops == [(0, signal.SIGTSTP, True)]


def test_the_terminal_stays_silent_while_lines_are_printed() -> None:
    """Text that is typed while a message is printed above the prompt is not echoed into it."""
    user, program = os.openpty()
    try:
        with os.fdopen(program, "r", closefd=False) as stdin:
            keys = QuietInput(stdin)
            with keys.raw_mode(), keys.cooked_mode():
                assert not termios.tcgetattr(program)[3] & termios.ECHO
            with keys.raw_mode(), keys.echoing_mode():
                assert termios.tcgetattr(program)[3] & termios.ECHO
    finally:
        os.close(user)
        os.close(program)
