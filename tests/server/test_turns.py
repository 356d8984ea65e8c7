from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harness.runtime import make_world

from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.server.connection import State
from chatroom.server.turns import Turns


def test_a_busy_address_runs_behind_others() -> None:
    """While an address pays for long answers, its connections give way to those of others, and none is left out."""
    world, order = make_world(Settings()), list[int]()
    hub: Any = SimpleNamespace(world=world, run_line=lambda session, line: order.append(session.id))
    turns = Turns(hub, lambda delay_s, task: None, lambda connection: None)
    connections: list[Any] = []
    for number, address in enumerate((1, 1, 1, 2)):
        session = Session(number, "", 4, 0x0A000000 + address, "host", 0)
        limit_lines(session, world.settings)
        connections.append(
            SimpleNamespace(session=session, lines=["PING x"], state=State.OPEN, queued=False, ended="", paused=False)
        )
    closed: Any = SimpleNamespace(state=State.CLOSED, queued=True)  # a closed connection has no session any more
    world.costs.pay(connections[0].session, 500_000, 1000)
    turns.ready.append(closed)
    for connection in connections:
        turns.add(connection)
    turns.run(1000)
    assert order[0] == 3
    while turns.ready or turns.behind:
        turns.run(1000)
    assert sorted(order) == [0, 1, 2, 3]
    for connection in connections:
        connection.lines = ["PING x"]
        turns.add(connection)
    turns.run(2000)
    assert order[4:] == [0, 1, 2, 3]
