"""Who is gone, by the leases that a node's heartbeats have seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatroom.server.cluster.cluster_contract import NodeState
from chatroom.server.cluster.contact import HEARTBEATS_PER_LEASE, Contact

LEASE_S = 6.0
STEP_S = LEASE_S / HEARTBEATS_PER_LEASE


def states(*, b_is_alive: bool, epoch: int = 2) -> list[NodeState]:
    """What a heartbeat of a answers."""
    return [NodeState("a", 1, True, True, {}), NodeState("b", epoch, b_is_alive, True, {})]


def heard(contact: Contact, since_s: float, seen: list[bool]) -> list[tuple[str, int]]:
    """Who is gone after a row of heartbeats, a second apart, each of which has seen b alive or not."""
    for number, is_alive in enumerate(seen):
        contact.hear(since_s + number, states(b_is_alive=is_alive))
    return contact.find_gone()


def test_a_node_whose_lease_is_missing_twice_is_gone() -> None:
    """If this one was in contact for the length of a lease before."""
    contact = Contact("a", LEASE_S)
    assert heard(contact, 0, [True] * 7 + [False]) == []
    assert heard(contact, 8, [False]) == [("b", 2)]
    # As long as it is missing.
    assert heard(contact, 9, [False]) == [("b", 2)]
    assert heard(contact, 10, [True]) == []
    assert heard(contact, 11, [False]) == []


def test_nobody_is_gone_before_the_contact_is_long_enough() -> None:
    """Leases that are missing from the beginning may have ended while Redis was away."""
    assert heard(Contact("a", LEASE_S), 0, [False] * 6) == []
    assert heard(Contact("a", LEASE_S), 0, [False] * 7) == [("b", 2)]


def test_a_failure_begins_the_contact_anew() -> None:
    """And so does a long silence: this node, or Redis, stood still."""
    contact = Contact("a", LEASE_S)
    heard(contact, 0, [True] * 10)
    contact.lose()
    assert contact.find_gone() == []
    assert heard(contact, 10, [False] * 6) == []
    assert heard(contact, 16, [False]) == [("b", 2)]
    assert heard(contact, 22, [False] * 2) == []


def test_another_life_of_a_node_is_another_node() -> None:
    """What was missing of the first does not count for the second; and nobody is gone to itself."""
    contact = Contact("a", LEASE_S)
    heard(contact, 0, [True] * 8 + [False])
    contact.hear(9, states(b_is_alive=False, epoch=3))
    assert contact.find_gone() == []
    contact.hear(10, [NodeState("a", 1, False, True, {}), NodeState("b", 3, False, True, {})])
    assert contact.find_gone() == [("b", 3)]


@given(
    offset_s=st.floats(0, STEP_S * 0.9),
    outages=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20)), max_size=4),
    dies_at=st.integers(0, 60),
)
def test_a_living_node_is_never_gone_and_a_dead_one_soon(
    offset_s: float, outages: list[tuple[int, int]], dies_at: int
) -> None:
    """Whatever outages of Redis there are, in which time goes on and leases end, and nobody can renew one.

    Two nodes watch each other; c renews its lease too, but dies.
    """
    is_up: list[bool] = []
    for up, down in outages:
        is_up += [True] * up + [False] * down
    is_up += [True] * (dies_at + 30)
    contact = Contact("a", LEASE_S)
    leases = {"a": LEASE_S, "b": LEASE_S, "c": LEASE_S}  # when each ends
    found_at = None
    for second, works in enumerate(is_up):
        if not works:
            contact.lose()
            continue
        # b and c beat a moment after a.
        leases["a"] = second + LEASE_S
        seen = [NodeState(name, 1, ends > second, True, {}) for name, ends in leases.items()]
        contact.hear(second, seen)
        gone = contact.find_gone()
        assert ("b", 1) not in gone and ("a", 1) not in gone
        if ("c", 1) in gone:
            assert second > dies_at
            found_at = found_at or second
        leases["b"] = second + offset_s + LEASE_S
        if second < dies_at:
            leases["c"] = second + offset_s + LEASE_S
    assert found_at is not None
    # From the last heartbeat, or the end of the last outage, on: a lease, and the two heartbeats that miss it.
    last_outage = max((second for second, works in enumerate(is_up) if not works), default=0)
    assert found_at <= max(dies_at, last_outage) + LEASE_S + 2
