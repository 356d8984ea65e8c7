"""While Redis is away, a node asks less and less often, and at its usual pace when Redis has answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.journal import FakeJournal

from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.cluster_contract import RETRY_S, Turn
from chatroom.server.cluster.entering import Stopping, join, take_place
from chatroom.server.cluster.pauses import MOST_PAUSE_S, Pauses
from chatroom.server.cluster.stream_reader import StreamReader
from chatroom.server.cluster.turn_desk import Desk
from chatroom.server.cluster.turn_journal import TurnJournal, TurnWork
from chatroom.server.cluster.turn_thread import TurnThread

AWAY = RedisUnreachable("it is away")
TRIES = 80


class FakeDesk(Desk):
    """A desk at which nobody waits, and that is over after some pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def pause(self, pause_s: float) -> bool:
        """Note the pause."""
        self.pauses.append(pause_s)
        if len(self.pauses) == TRIES:
            self.stop()
        return not self.is_over


class FakeLink:
    """A link to a Redis that is away, but for two answers in the middle."""

    def __init__(self) -> None:
        self.tries = 0

    def ask(self, *_: object, **__: object) -> Any:
        """Answer nothing of interest, or that Redis is away."""
        self.tries += 1
        if self.tries in (TRIES // 2, TRIES // 2 + 1):
            return None
        raise AWAY

    read = acquire = wait_grant = append = join = mark_ready = heartbeat = ask


def read(desk: FakeDesk, link: Any) -> None:
    """Follow the stream."""
    StreamReader(link, desk).run()


def get_turns(desk: FakeDesk, link: Any) -> None:
    """Get the turn that is wanted."""
    desk.want()
    log: Any = None
    TurnThread(link, desk, lambda: 0, lambda turn: [], lambda why: None, log).run()


def tell(desk: FakeDesk, link: Any) -> None:
    """Tell the others of a turn."""
    journal: Any = FakeJournal()
    batch: Any = None
    committer = TurnJournal(journal, desk, link.append)
    work = TurnWork(Turn(1, 1, False), (), 0, "a/1")
    for _ in range(2):
        committer._tell(batch, work, "")
    with pytest.raises(RedisUnreachable):
        committer._tell(batch, work, "")


def enter(desk: FakeDesk, link: Any) -> None:
    """Join the others. An answer is that they still agree."""
    with pytest.raises(Stopping):
        join(link, lambda: 0, desk.pause)


@pytest.mark.parametrize("loop", [read, get_turns, tell, enter])
def test_a_loop_asks_less_often(loop: Callable[[FakeDesk, Any], None]) -> None:
    """And begins anew when it had an answer."""
    desk, link = FakeDesk(), FakeLink()
    loop(desk, link)
    again = desk.pauses.index(RETRY_S, 1)
    assert desk.pauses[0] == RETRY_S and desk.pauses[again - 1] == MOST_PAUSE_S == desk.pauses[-1]


def test_a_node_that_takes_its_place_asks_less_often() -> None:
    """A start waits there for as long as it takes."""
    desk, link = FakeDesk(), FakeLink()
    link.tries = TRIES
    with pytest.raises(Stopping):
        take_place(link, 1, {}, lambda: 0, desk.pause)  # type: ignore[arg-type]
    assert desk.pauses[-1] == MOST_PAUSE_S


def test_a_break_is_found_to_be_over_soon() -> None:
    """A tenth of its length later, and never as late as somebody who waits would call it off for."""
    pauses, away_s = Pauses(), 0.0
    for _ in range(1000):
        pause_s = pauses.take()
        assert pause_s <= RETRY_S + away_s / 9
        away_s += pause_s
    assert away_s > 200


def test_a_long_break_costs_few_tries() -> None:
    """Twenty seconds are a hundred tries: eight hundred took a tenth of a processor."""
    pauses, away_s, tries = Pauses(), 0.0, 0
    while away_s < 20:
        away_s += pauses.take()
        tries += 1
    assert tries < 110
