"""What the user says, on its way to the server."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.actions import Say
from chatroom.client.chat_events import Event
from chatroom.client.chat_state import State
from chatroom.client.pacing import Pacer
from chatroom.client.saying import compose


class Speech:
    """Sends messages no faster than the server reads them. It outlives a connection.

    ``write`` sends a line. ``again``: see ``Pacer``.
    """

    def __init__(self, state: State, write: Callable[[str], None], *, again: bool) -> None:
        self._state = state
        self._pacer = Pacer(write, again=again)

    @property
    def ready(self) -> bool:
        """True if messages are sent at once: the welcome is over, and the channels to return to have been asked for."""
        return self._pacer.is_open

    @property
    def delivered(self) -> bool:
        """True if the server has confirmed every message."""
        return self._pacer.idle

    @property
    def unsaid(self) -> int:
        """The number of messages that have not been sent yet."""
        return self._pacer.waiting

    def flush(self) -> None:
        """Ask the server to confirm all messages; ``delivered`` is True when it has."""
        self._pacer.flush()

    def open(self) -> None:
        """Send from now on, what waits first."""
        self._pacer.open()

    def lost(self) -> None:
        """Report the end of the connection."""
        self._pacer.close()

    def stop(self) -> None:
        """Drop the messages that have not been sent yet."""
        self._pacer.clear()

    def confirmed(self, token: str) -> bool:
        """Take a PONG; False if it is not for a PING of this class."""
        return self._pacer.pong(token)

    def say(self, action: Say) -> list[Event]:
        """Send a message and return the events that show it."""
        echoed = "echo-message" in self._state.caps
        events: list[Event] = []
        for line, said in compose(action, self._state):
            self._pacer.send(line)
            if not echoed:  # then the server does not show it to us
                events.append(said)
        return events
