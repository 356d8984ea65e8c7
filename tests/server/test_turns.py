from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from harness.runtime import make_world

from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.server import turns as turns_module
from chatroom.server.connection_stage import State
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
    monkeypatch.setattr(turns_module, "BESIDE_S", 0.0)
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
    """Whose peer is gone has no lines to run, but many others are told. Those left over have their turns later."""
    monkeypatch.setattr(turns_module, "TICK_S", 0.0)
    world, ended = make_world(Settings()), list[int]()
    monkeypatch.setattr(turns_module, "end_session", lambda world, connection: ended.append(connection.session.id))
    turns = Turns(SimpleNamespace(world=world, run_line=None), lambda delay_s, task: None, lambda connection: None)  # type: ignore[arg-type]
    for number in range(3):
        session = Session(number, "", 4, 0x0A000001, "host", 0)
        session.registration = None
        connection: Any = SimpleNamespace(
            session=session, lines=(), state=State.OPEN, queued=False, ended="gone", uncut=b"", paused=False
        )
        turns.add(connection)
    turns.run(1000)
    assert ended == [0]
    turns.run(1000)
    turns.run(1000)
    assert ended == [0, 1, 2]


@pytest.mark.parametrize("beside_s, behind_s", [(0.0, 60.0), (60.0, 0.0)])
def test_heavy_work_has_less_time_if_others_wait_for_the_tick(
    monkeypatch: pytest.MonkeyPatch, beside_s: float, behind_s: float
) -> None:
    """What others have said in a tick is sent at its end, so pastes and long answers have another time then."""
    monkeypatch.setattr(turns_module, "TICK_S", 120.0)
    monkeypatch.setattr(turns_module, "BESIDE_S", beside_s)
    monkeypatch.setattr(turns_module, "BEHIND_S", behind_s)
    stage = Stage()
    pastes = [stage.add(FEW_LINES + 1) for _ in range(3)]
    stage.turns.run(1000)
    assert stage.order == (pastes if behind_s else pastes[:1])
    assert (stage.turns.find_end() > time.monotonic()) is bool(behind_s)
    stage.order.clear()
    pastes, few = [stage.add(FEW_LINES + 1) for _ in range(3)], stage.add(1)
    stage.turns.run(1000)
    assert stage.order[0] == few
    assert len(stage.order) == 1 + (6 - len(pastes if behind_s else pastes[:1]) if beside_s else 1)
    assert (stage.turns.find_end() > time.monotonic()) is bool(beside_s)


def test_heavy_work_may_take_as_long_as_the_writes_of_the_tick_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """If each tick costs many writes, it does more: the writes to a crowd would otherwise take most of the time."""
    for name, value in (("TICK_S", 120.0), ("BESIDE_S", 0.0), ("BEHIND_S", 0.0)):
        monkeypatch.setattr(turns_module, name, value)
    stage = Stage()
    pastes = [stage.add(FEW_LINES + 1) for _ in range(3)]
    stage.turns.written_s = 60.0
    stage.turns.run(1000)
    assert stage.order == pastes


def test_a_connection_with_uncut_bytes_does_not_end() -> None:
    """What a peer has sent before a write found it gone is run first."""
    stage = Stage()
    number = stage.add(1)
    connection = stage.connections[number]
    connection.ended, connection.uncut = "Broken pipe", b"QUIT\r\n"
    stage.turns.run(1000)
    assert stage.order == [number]
    assert not connection.session.closing


class Stage:
    """Turns without a thread: registered connections, each at an address of its own, and whose lines have run."""

    def __init__(self) -> None:
        world = make_world(Settings())
        self.order: list[int] = []
        """The numbers of the connections whose lines were run, each once for a turn."""
        hub: Any = SimpleNamespace(world=world, run_line=self._run_line)
        self.turns = Turns(hub, lambda delay_s, task: None, lambda connection: None)
        self.connections: list[Any] = []

    def _run_line(self, session: Session, line: str) -> None:
        if self.order[-1:] != [session.id]:
            self.order.append(session.id)

    def add(self, lines: int) -> int:
        """Add a connection with so many lines. Return its number."""
        number = len(self.connections)
        session = Session(number, "", 4, 0x0A000000 + number, "host", 0)
        session.registration = None
        connection: Any = SimpleNamespace(
            session=session,
            lines=["PING x"] * lines,
            state=State.OPEN,
            queued=False,
            ended="",
            uncut=b"",
            paused=False,
            throttle_reading=lambda: None,
        )
        self.connections.append(connection)
        self.turns.add(connection)
        return number


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


def test_who_leaves_pays_nothing_for_what_others_said() -> None:
    """A session that ends reads at last all that its channels have said; its address is not charged for that."""
    world = make_world(Settings())
    session = Session(1, "", 4, 0x0A000001, "host", 0)
    session.registration = None
    limit_lines(session, world.settings)

    def quit_(session: Session, line: str) -> bool:
        session.unread = [(number, b"x" * 500) for number in range(100)]
        session.closing = True
        world.costs.work_bytes = 1000
        return False

    turns = Turns(SimpleNamespace(world=world, run_line=quit_), lambda delay_s, task: None, lambda connection: None)  # type: ignore[arg-type]
    connection: Any = SimpleNamespace(
        session=session, lines=["QUIT"], state=State.OPEN, queued=False, ended="", uncut=b"", paused=False
    )
    turns.add(connection)
    turns.run(1000)
    assert (world.costs.tick_bytes, world.costs.work_bytes, len(world.costs)) == (0, 0, 0)
