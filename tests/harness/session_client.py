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
    """One session. ``say`` runs lines, ``read`` gives what it was sent since the last time."""

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
        """Who it is."""
        assert self.session.user is not None, "nobody (yet, or any more)"
        return self.session.user

    @property
    def prefix(self) -> str:
        """Its ``nick!user@host``."""
        return self.user.prefix

    def say(self, *lines: str | Malformed) -> None:
        """Run lines, each in a tick of its own unless the test holds one open."""
        for line in lines:
            self.here.run(self, line)

    def read(self) -> list[str]:
        """The lines it was sent and has not read yet."""
        data, self._unread = b"".join(self._unread), []
        return data.decode().split("\r\n")[:-1]

    def ask(self, *lines: str | Malformed) -> list[str]:
        """Run lines and read what came of them, leaving out what was unread before."""
        self.read()
        self.say(*lines)
        return self.read()

    def deliver(self, data: bytes) -> None:
        """Take what a tick has for it."""
        self._unread.append(data)

    def vanish(self, why: str = "Connection reset by peer") -> None:
        """End as a connection does whose peer is gone."""
        with self.here.tick():
            self.here.world.close(self.session, why, tell=False)
