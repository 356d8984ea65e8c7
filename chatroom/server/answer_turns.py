"""The long answers of an I/O thread's sessions: how much of them a tick makes.

They come behind all lines, and take turns: each of them makes at most one piece in a tick
(``chatroom.commands.long_answers``). The next piece waits until the client has read the one before. So a long answer is
never in memory as a whole, and a client that reads slowly does not lose its connection for one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from chatroom.server.turns import TICK_BYTES

if TYPE_CHECKING:
    from chatroom.server.connection import Connection
    from chatroom.server.hub import Hub
    from chatroom.server.inbox import Task

GoOn = Callable[[bool], None]
"""Makes the next piece. With True, because nothing can be sent any more, it drops the answer."""

BACKLOG_PAUSE_S = 0.05
"""How long an answer waits before it looks again whether its client has read the last piece."""


class AnswerTurns:
    """The long answers that are not whole yet. Only the thread itself calls the methods, ``run`` under the hub lock."""

    __slots__ = ("_call_later", "_hub", "waiting")

    def __init__(self, hub: Hub, call_later: Callable[[float, Task], None]) -> None:
        self._hub = hub
        self._call_later = call_later
        self.waiting: deque[tuple[Connection, GoOn]] = deque()
        """The answers that a tick can go on with. The next one comes first."""

    def add(self, connection: Connection, go_on: GoOn) -> None:
        """Go on with an answer in the next tick, or when those before it have had their turns."""
        self.waiting.append((connection, go_on))

    def run(self, until_s: float) -> None:
        """Make the next pieces until that moment of the monotonic clock (``Turns.find_end``), and at least one.

        A piece takes a few milliseconds at most.
        """
        hub, waiting = self._hub, self.waiting
        costs = hub.world.costs
        for _ in range(len(waiting)):
            connection, go_on = waiting.popleft()
            is_lost = connection.is_lost
            if connection.has_backlog and not is_lost:
                self._call_later(BACKLOG_PAUSE_S, partial(self.add, connection, go_on))
                continue
            hub.run_task(partial(go_on, is_lost))
            if costs.tick_bytes >= TICK_BYTES or time.monotonic() >= until_s:
                break
