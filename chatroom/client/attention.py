"""What calls the user: which messages, and the terminal's bell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from chatroom.client.chat_events import Event, Said
from chatroom.client.chat_state import State
from chatroom.client.mentioning import mentions_any

BELL_PAUSE_S = 2.0
"""How long the bell is silent after it rang, so that nobody can make it ring without end."""


def calls(event: Event, state: State, words: Iterable[str]) -> bool:
    """True for a new message of another user that has the nick or one of ``words``, or that is for the user alone."""
    if not isinstance(event, Said) or event.mine or event.missed:
        return False
    is_direct = not state.is_channel(event.conversation) and event.kind != "notice"
    return is_direct or mentions_any(event.text, (state.nick, *words))


class Output(Protocol):
    """The terminal."""

    def bell(self) -> None:
        """Ring the bell."""

    def flush(self) -> None:
        """Write what is buffered."""


class Bell:
    """The bell of a terminal. ``clock`` returns seconds."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self._output = output
        self._clock = clock
        self._rang_at = -BELL_PAUSE_S

    def ring(self) -> None:
        """Ring, unless it rang a moment ago."""
        if self._clock() - self._rang_at >= BELL_PAUSE_S:
            self._rang_at = self._clock()
            self._output.bell()
            self._output.flush()
