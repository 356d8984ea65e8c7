from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from harness.runtime import make_world

from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.server import turns as turns_module
from chatroom.server.connection import State
from chatroom.server.turns import FEW_LINES, Turns


def test_a_busy_address_runs_behind_others() -> None:
    """While an address pays for long answers, its connections give way to those of others, and none is left out."""
    world, order = make_world(Settings()), list[int]()
    hub: Any = SimpleNamespace(world=world, run_line=lambda session, line: order.append(session.id))
    turns = Turns(hub, lambda delay_s, task: None, lambda connection: None)
    connections: list[Any] = []
    for number, address in enumerate((1, 1, 1, 2)):
        session = Session(number, "", 4, 0x0A000000 + address, "host", 0)
        limit_lines(session, world.settings)
        session.registration = None
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


def test_who_is_not_registered_yet_runs_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any time left, users run all the same, and one newcomer in each tick."""
    monkeypatch.setattr(turns_module, "BEHIND_S", 0.0)
    world, order = make_world(Settings()), list[int]()
    hub: Any = SimpleNamespace(world=world, run_line=lambda session, line: order.append(session.id))
    turns = Turns(hub, lambda delay_s, task: None, lambda connection: None)
    for number in range(6):
        session = Session(number, "", 4, 0x0A000001, "host", 0)
        if number % 2:
            session.registration = None
        connection: Any = SimpleNamespace(
            session=session, lines=["PING x"], state=State.OPEN, queued=False, ended="", paused=False
        )
        turns.add(connection)
    turns.run(1000)
    assert order == [1, 3, 5, 0]
    turns.run(1000)
    assert order == [1, 3, 5, 0, 2]


def test_the_time_of_a_tick_is_looked_at_after_each_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose peer is gone has no lines to run, but many others are told."""
    monkeypatch.setattr(turns_module, "TICK_S", 0.0)
    world, ended = make_world(Settings()), list[int]()
    monkeypatch.setattr(turns_module, "end_session", lambda world, connection: ended.append(connection.session.id))
    turns = Turns(SimpleNamespace(world=world, run_line=None), lambda delay_s, task: None, lambda connection: None)  # type: ignore[arg-type]
    for number in range(3):
        session = Session(number, "", 4, 0x0A000001, "host", 0)
        session.registration = None
        connection: Any = SimpleNamespace(
            session=session, lines=(), state=State.OPEN, queued=False, ended="gone", paused=False
        )
        turns.add(connection)
    turns.run(1000)
    assert ended == [0]


def test_many_lines_run_behind_few() -> None:
    """A line that comes behind ten pastes runs before them, and all pastes are run to their end."""
    world, order = make_world(Settings()), list[int]()
    hub: Any = SimpleNamespace(world=world, run_line=lambda session, line: order.append(session.id))
    turns = Turns(hub, lambda delay_s, task: None, lambda connection: None)
    for number in range(11):
        session = Session(number, "", 4, 0x0A000000 + number, "host", 0)
        session.registration = None
        lines = ["PING x"] * (FEW_LINES + 1 if number < 10 else 1)
        connection: Any = SimpleNamespace(
            session=session,
            lines=lines,
            state=State.OPEN,
            queued=False,
            ended="",
            paused=False,
            throttle_reading=lambda: None,
        )
        turns.add(connection)
    while turns.ready or turns.behind:
        turns.run(1000)
    assert order[0] == 10
    assert [order.count(number) for number in range(10)] == [FEW_LINES + 1] * 10
