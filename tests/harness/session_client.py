"""A client of the test world: one session, without a socket."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.irc.framing import Malformed

if TYPE_CHECKING:
    from harness.world import Here


class Client:
    """One session. ``say`` runs lines, and ``read`` returns the lines that were sent to it since the last time."""

    def __init__(self, here: Here, session: Session) -> None:
        self.here = here
        self.session = session
        self.closed = False
        self.parked: deque[str | Malformed] = deque()
        self._unread: list[bytes] = []

    def __repr__(self) -> str:
        return f"Client({self.session.id}, {self.session.user.nick if self.session.user else '-'})"

    @property
    def user(self) -> User:
        """The session's user."""
        assert self.session.user is not None, "the session has no user, or no longer"
        return self.session.user

    @property
    def prefix(self) -> str:
        """The user's ``nick!user@host``."""
        return self.user.prefix

    def say(self, *lines: str | Malformed) -> None:
        """Run lines, each in its own tick unless the test holds one open."""
        for line in lines:
            self.here.run(self, line)

    def read(self) -> list[str]:
        """Return the lines that were sent to it and are not read yet."""
        data, self._unread = b"".join(self._unread), []
        return data.decode().split("\r\n")[:-1]

    def ask(self, *lines: str | Malformed) -> list[str]:
        """Run lines and return what is sent because of them, without what was unread before."""
        self.read()
        self.say(*lines)
        return self.read()

    def deliver(self, data: bytes) -> None:
        """Take the bytes that a tick sends."""
        self._unread.append(data)

    def vanish(self, why: str = "Connection reset by peer") -> None:
        """End the session as if its peer had gone."""
        with self.here.tick():
            self.here.world.close(self.session, why, tell=False)
