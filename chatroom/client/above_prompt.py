"""Prints lines above the prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.application import in_terminal
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.renderer import print_formatted_text

from chatroom.client.rendering import Fragment
from chatroom.client.screen_style import STYLE


class AbovePrompt:
    """A queue of text in front of the terminal. ``fail`` is called with the error of a failed print."""

    def __init__(self, output: Output, colours: ColorDepth, fail: Callable[[Exception], None]) -> None:
        self._output = output
        self._colours = colours
        self._fail = fail
        self._unprinted: list[Fragment] = []
        self._printing: asyncio.Task[None] | None = None

    def show(self, fragments: list[Fragment]) -> None:
        """Print text soon. Must be called in the thread of the event loop."""
        self._unprinted += fragments
        # One task is enough: lines that come while it prints are printed in its next round.
        if self._unprinted and self._printing is None:
            self._printing = asyncio.get_running_loop().create_task(self._print())

    async def finish(self) -> None:
        """Wait until everything is printed."""
        while self._printing is not None:
            await self._printing

    async def _print(self) -> None:
        try:
            while self._unprinted:
                # This removes the prompt and draws it again below. It costs more than the lines, so all that wait are
                # printed in one go.
                async with in_terminal():
                    fragments, self._unprinted = self._unprinted, []
                    print_formatted_text(self._output, FormattedText(fragments), STYLE, color_depth=self._colours)
        except Exception as error:
            self._fail(error)
        finally:
            self._printing = None
