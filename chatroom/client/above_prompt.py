"""Prints lines above the prompt."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from prompt_toolkit.application import in_terminal
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.renderer import print_formatted_text

from chatroom.client.rendering import Fragment
from chatroom.client.screen_style import STYLE
from chatroom.client.wrapping import wrap

PAUSE_S = 0.05
"""How long lines wait after a print, to be printed in one go with those that come meanwhile."""
INDENT = len("00:00 ")
"""How far the second and later rows of a long line are indented: they begin under the text."""
KEPT_LINES = 200
"""How many lines can be printed again after the terminal's width has changed."""


class AbovePrompt:
    """A queue of lines in front of the terminal. ``fail`` is called with the error of a failed print.

    For the thread of the event loop.
    """

    def __init__(self, output: Output, colours: ColorDepth, fail: Callable[[Exception], None]) -> None:
        self._output = output
        self._colours = colours
        self._fail = fail
        self._unprinted: list[list[Fragment]] = []
        self._printed: deque[list[Fragment]] = deque(maxlen=KEPT_LINES)
        self._is_stale = False  # the screen must be cleared, and its lines printed again
        self._printing: asyncio.Task[None] | None = None
        self._printed_at = 0.0

    def show(self, line: list[Fragment]) -> None:
        """Print a line soon."""
        self._unprinted.append(line)
        self._begin()

    def clear(self) -> None:
        """Clear the screen, and forget what was printed."""
        self._unprinted.clear()
        self._printed.clear()
        self.repaint()

    def repaint(self) -> None:
        """Clear the screen, and print its last lines again.

        When the width of a terminal changes, it breaks its rows anew, or cuts them. Nobody but it knows where the
        prompt is then, so that erasing it would leave copies of it, or erase lines above it.
        """
        self._is_stale = True
        self._begin()

    async def finish(self) -> None:
        """Wait until everything is printed."""
        while self._printing is not None:
            await self._printing

    def _begin(self) -> None:
        # One task is enough: lines that come while it prints are printed in its next round.
        if self._printing is None:
            self._printing = asyncio.get_running_loop().create_task(self._print())

    async def _print(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            while self._unprinted or self._is_stale:
                # Each print removes the prompt and draws it again below. That costs more than the lines.
                await asyncio.sleep(max(0.0, self._printed_at + PAUSE_S - loop.time()))
                async with in_terminal():
                    self._write()
                self._printed_at = loop.time()
        except Exception as error:
            self._fail(error)
        finally:
            self._printing = None

    def _write(self) -> None:
        lines, self._unprinted = self._unprinted, []
        self._printed.extend(lines)
        if self._is_stale:
            self._is_stale = False
            # Row by row: a terminal moves what is cleared at once into its history, and the prompt with it.
            for row in range(self._output.get_size().rows, 0, -1):
                self._output.cursor_goto(row, 1)
                self._output.erase_end_of_line()
            lines = list(self._printed)
        width = self._output.get_size().columns
        fragments: list[Fragment] = []
        for line in lines:
            fragments += wrap(line, width, INDENT)
            fragments.append(("", "\n"))
        print_formatted_text(self._output, FormattedText(fragments), STYLE, color_depth=self._colours)
