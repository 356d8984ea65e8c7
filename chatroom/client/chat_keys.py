"""The keys of the chat's prompt that differ from those of a shell."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

from prompt_toolkit.application import in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from chatroom.client.completion import Candidate
from chatroom.client.format_keys import FORMAT_KEYS

MOST_LISTED = 30
"""How many candidates Tab lists."""


class QuietInput(Vt100Input):
    """The terminal's keys. The terminal does not echo them while lines are printed above the prompt."""

    def cooked_mode(self) -> contextlib.AbstractContextManager[None]:
        """Change nothing: prompt_toolkit would switch the echo on."""
        return contextlib.nullcontext()

    def echoing_mode(self) -> contextlib.AbstractContextManager[None]:
        """The mode that a shell expects."""
        return super().cooked_mode()


class TabCycle:
    """Tab takes the first candidate, and each further Tab the next. ``show`` lists them, once."""

    def __init__(self, complete: Callable[[str], Iterable[Candidate]], show: Callable[[str], None]) -> None:
        self._complete = complete
        self._show = show
        self._candidates: list[Candidate] = []
        self._before = Document()  # what the first Tab found
        self._after = Document()  # what the last Tab left
        self._next = 0

    def press(self, buffer: Buffer) -> None:
        """Complete the word before the cursor."""
        if not self._candidates or buffer.document != self._after:
            self._before = buffer.document
            self._candidates = list(self._complete(buffer.document.text_before_cursor))
            self._next = 0
            if len(self._candidates) > 1:
                names = [candidate.name for candidate in self._candidates]
                more = f"  … {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
                self._show("  ".join(names[:MOST_LISTED]) + more)
        if not self._candidates:
            return
        candidate = self._candidates[self._next % len(self._candidates)]
        self._next += 1
        start = self._before.cursor_position - candidate.length
        text = self._before.text[:start] + candidate.text
        buffer.document = Document(text + self._before.text_after_cursor, len(text))
        self._after = buffer.document


def make_keys(complete: Callable[[str], Iterable[Candidate]], show: Callable[[str], None]) -> KeyBindings:
    """Return the keys. ``show`` prints a line of candidates."""
    keys = KeyBindings()
    cycle = TabCycle(complete, show)

    @keys.add("tab")
    def press_tab(event: KeyPressEvent) -> None:
        cycle.press(event.current_buffer)

    @keys.add("enter")
    def say(event: KeyPressEvent) -> None:
        # The prompt may have several lines, so by itself Enter would begin another one.
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("escape", "c-j")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    def type_code(code: str) -> Callable[[KeyPressEvent], None]:
        return lambda event: event.current_buffer.insert_text(code)

    for letter, code in FORMAT_KEYS.items():
        keys.add("escape", "c", letter)(type_code(code))

    @keys.add("c-z")
    def suspend(event: KeyPressEvent) -> None:
        event.app.create_background_task(_until_resumed(event.app.input))

    return keys


async def _until_resumed(keys: object) -> None:
    async with in_terminal():
        assert isinstance(keys, QuietInput)
        with keys.echoing_mode():
            os.kill(0, signal.SIGTSTP)  # the whole job, so that `make chat` stops too
