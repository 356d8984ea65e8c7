"""Up to where the stream is old."""

from __future__ import annotations

import pytest

from chatroom.server.cluster.cluster_contract import NodeState
from chatroom.server.cluster.stream_age import KEPT_S, StreamAge


def state(name: str, position: int | None, *, is_alive: bool = True) -> NodeState:
    """A node that has told how far it is."""
    return NodeState(name, 1, is_alive, True, {} if position is None else {"position": position})


def test_what_is_older_than_the_bound_is_old() -> None:
    """Also in a chat where nothing comes behind it; and nothing else is."""
    age, nodes = StreamAge(), [state("a", 100)]
    age.note(0.0, 5)
    age.note(300.0, 7)
    age.note(KEPT_S - 1, 9)
    assert age.find_old(nodes) == 0
    for now_s, old in ((KEPT_S, 5), (KEPT_S + 299, 5), (KEPT_S + 300, 7), (2 * KEPT_S - 2, 7), (2 * KEPT_S, 9)):
        age.note(now_s, 9)
        assert age.find_old(nodes) == old
    age.note(3 * KEPT_S, 9)
    assert age.find_old(nodes) == 9


def test_looks_are_few() -> None:
    """A busy stream is looked at each second, and ten seconds more do not matter."""
    age = StreamAge()
    for second in range(2000):
        age.note(float(second), 300 * second)
    assert len(age._looks) <= KEPT_S / 10 + 1
    assert 0 <= 1999 - KEPT_S - age.find_old([state("a", 10**9)]) / 300 < 10


@pytest.mark.parametrize(
    "others, old",
    [
        ([], 50),
        ([state("b", 60)], 50),
        ([state("b", 30)], 30),
        ([state("b", 30, is_alive=False)], 50),
        ([state("b", None)], 0),
    ],
)
def test_nobody_who_lives_is_left_behind(others: list[NodeState], old: int) -> None:
    """A node without a position is about to read what is behind its snapshot."""
    age = StreamAge()
    age.note(0.0, 50)
    age.note(KEPT_S, 55)
    assert age.find_old([state("a", 55), *others]) == old


def test_a_stream_that_was_founded_anew_is_young() -> None:
    """With lower positions: what was known of the one before counts no more."""
    age = StreamAge()
    age.note(0.0, 50)
    age.note(KEPT_S, 55)
    age.note(KEPT_S + 1, 3)
    age.note(KEPT_S + 20, 80)
    assert age.find_old([state("a", 80)]) == 0
    age.note(2 * KEPT_S + 1, 80)
    assert age.find_old([state("a", 80)]) == 3
