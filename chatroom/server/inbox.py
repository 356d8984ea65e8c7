"""What other threads leave for an I/O thread until its next tick."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.entrance import Entrance
    from chatroom.server.transport import Transport

Task = Callable[[], None]
"""The function that a task is given to says whether it runs under the hub lock."""

Accepted = tuple["Transport", "Session", "Entrance"]
"""An accepted socket, perhaps with TLS, its session, and where it came in."""


class Inbox:
    """Tasks and accepted sockets. Methods may be called from any thread."""

    __slots__ = ("_lock", "accepted", "tasks")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Guards ``tasks`` and ``accepted``. No other lock is taken while it is held."""
        self.tasks: list[Task] = []
        self.accepted: list[Accepted] = []

    def add_task(self, task: Task) -> None:
        """Add a task behind the others."""
        with self._lock:
            self.tasks.append(task)

    def add_accepted(self, accepted: Sequence[Accepted]) -> None:
        """Add accepted sockets behind the others."""
        with self._lock:
            self.accepted.extend(accepted)

    def take(self) -> tuple[Sequence[Task], Sequence[Accepted]]:
        """Remove everything and return it, in order."""
        with self._lock:
            tasks, self.tasks = self.tasks, []
            accepted, self.accepted = self.accepted, []
        return tasks, accepted
