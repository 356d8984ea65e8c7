"""Events as plain lines on stdout, and what went wrong on stderr."""

from __future__ import annotations

from typing import TextIO

from chatroom.client.chat_events import (
    Denied,
    Event,
    Exposed,
    Info,
    Joined,
    Members,
    Reacted,
    Redacted,
    Said,
    Trouble,
    Unsaid,
    Welcome,
)
from chatroom.client.chat_state import State
from chatroom.client.rendering import full_stamp, render
from chatroom.client.std_streams import divert, tell
from chatroom.client.text import printable


class LineOutput:
    """Writes the lines of events. ``interactive``: a user reads them, not a script."""

    def __init__(self, state: State, out: TextIO, err: TextIO, *, interactive: bool) -> None:
        self._state = state
        self._out = out
        self._err = err
        self._interactive = interactive
        self._is_reconnected = False

    def write(self, event: Event, *, ready: bool) -> None:
        """Write an event, unless it is of no use in plain lines. ``ready``: the login and its joins are over.

        Raises OSError if stdout cannot be written, BrokenPipeError among them if it has no reader any more.
        """
        if isinstance(event, Welcome):  # it comes before everything else of its connection
            self._is_reconnected = event.again
        if self._is_of_use(event, ready):
            for line in render(event):
                before = f"[{line.conversation}] " if line.conversation else ""
                if isinstance(event, Said) and event.missed and event.at is not None:
                    before += f"{full_stamp(event.at)} "
                if isinstance(event, Denied | Exposed | Trouble | Unsaid):
                    tell(self._err, f"{before}{line.text}\n")
                else:
                    self._out.write(f"{before}{line.text}\n")

    def flush(self) -> None:
        """Hand everything to the reader of stdout. Raises OSError like ``write``."""
        self._out.flush()

    def discard(self) -> None:
        """Send stdout to nowhere from now on: it has failed."""
        divert(self._out)

    def complain(self, text: str) -> None:
        """Write one line to stderr that begins with the program's name."""
        tell(self._err, f"chatroom: {printable(text)}\n")

    def prompt(self, text: str) -> None:
        """Write a question to stderr, without a line end."""
        tell(self._err, printable(text))

    def end_prompt(self) -> None:
        """End the line of a question with a hidden answer."""
        tell(self._err, "\n")

    def _is_of_use(self, event: Event, ready: bool) -> bool:
        if isinstance(event, Welcome):
            return False
        if isinstance(event, Exposed | Reacted | Redacted):
            return self._interactive
        if isinstance(event, Members):
            return event.asked
        if isinstance(event, Info):
            return ready  # earlier ones are the message of the day
        if isinstance(event, Joined):
            return not event.mine
        if isinstance(event, Said):
            return not event.mine and not (event.missed and self._is_old(event))
        return True

    def _is_old(self, said: Said) -> bool:
        """True for what was said in a channel before a script came.

        It is neither an answer to the script nor news to it. After a reconnect it is what the script has missed.
        """
        return not self._interactive and not self._is_reconnected and self._state.is_channel(said.conversation)
