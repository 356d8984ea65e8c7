"""Lines above the prompt: what reaches the terminal, and in which order."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

import pyte
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from chatroom.client.above_prompt import KEPT_LINES, AbovePrompt


class Paper:
    """A terminal of 20 columns and 6 rows, and what was reported as failed."""

    def __init__(self) -> None:
        self.size = Size(rows=6, columns=20)
        self.written = io.StringIO()
        self.failures: list[Exception] = []
        output = Vt100_Output(self.written, lambda: self.size, term="xterm")
        self.above = AbovePrompt(output, ColorDepth.DEPTH_1_BIT, self.failures.append)

    @property
    def rows(self) -> list[str]:
        """The rows that have text."""
        screen = pyte.Screen(self.size.columns, self.size.rows)
        pyte.Stream(screen).feed(self.written.getvalue())
        return [row.rstrip() for row in screen.display if row.strip()]


def play(scene: Callable[[Paper], Awaitable[None]]) -> None:
    """Play a scene on a terminal."""

    async def run() -> None:
        paper = Paper()
        await scene(paper)
        assert paper.failures == []

    asyncio.run(run())


def test_lines_are_printed_in_their_order() -> None:
    """Lines that come while others are printed follow them, and a long one is indented under its text."""

    async def scene(paper: Paper) -> None:
        paper.above.show([("", "12:00 one")])
        await asyncio.sleep(0)
        paper.above.show([("", "12:01 "), ("class:dim", "three words that wrap")])
        await paper.above.finish()
        assert paper.rows == ["12:00 one", "12:01 three words", "      that wrap"]

    play(scene)


def test_another_width_prints_the_lines_anew() -> None:
    """After a resize the screen has every line once, broken for the new width."""

    async def scene(paper: Paper) -> None:
        paper.above.show([("", "12:00 five words that may wrap")])
        await paper.above.finish()
        assert len(paper.rows) == 2
        paper.size = Size(rows=6, columns=40)
        paper.above.repaint()
        await paper.above.finish()
        assert paper.rows == ["12:00 five words that may wrap"]

    play(scene)


def test_a_cleared_screen_stays_empty() -> None:
    """What was printed before /clear does not come back with a resize, and no line that waited comes late."""

    async def scene(paper: Paper) -> None:
        paper.above.show([("", "printed")])
        await paper.above.finish()
        paper.above.show([("", "waiting")])
        paper.above.clear()
        await paper.above.finish()
        assert paper.rows == []
        paper.above.repaint()
        await paper.above.finish()
        assert paper.rows == []

    play(scene)


def test_only_the_last_lines_come_back() -> None:
    """A resize in a long chat prints no more lines than are kept."""

    async def scene(paper: Paper) -> None:
        for number in range(KEPT_LINES + 5):
            paper.above.show([("", f"line {number}.")])
        await paper.above.finish()
        before = len(paper.written.getvalue())
        paper.above.repaint()
        await paper.above.finish()
        again = paper.written.getvalue()[before:]
        assert "line 4." not in again
        assert "line 5." in again
        assert paper.rows[-1] == f"line {KEPT_LINES + 4}."

    play(scene)


def test_a_terminal_that_has_gone_is_reported() -> None:
    """A failed print ends in a report instead of a silent chat, and nobody waits for it for ever."""

    async def run() -> None:
        paper = Paper()
        paper.written.close()
        paper.above.show([("", "lost")])
        await paper.above.finish()
        assert [type(failure) for failure in paper.failures] == [ValueError]

    asyncio.run(run())
