"""The last entries that a node has read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatroom.server.cluster.cluster_contract import Entry
from chatroom.server.cluster.ring import Ring


def entries(after: int, sizes: list[int]) -> list[Entry]:
    """Entries of these sizes behind a position; each has its position as the number of its turn."""
    return [Entry(after + place, "a/1", after + place, bytes(size)) for place, size in enumerate(sizes, 1)]


@given(start=st.integers(0, 5), batches=st.lists(st.lists(st.integers(0, 60))))
def test_a_ring_has_the_last_entries_of_as_many_bytes_as_it_may(start: int, batches: list[list[int]]) -> None:
    """Without gaps, and the very last one in any case."""
    ring, read = Ring(100), list[Entry]()
    ring.begin_at(start)
    for sizes in batches:
        new = entries(ring.position, sizes)
        ring.extend(new)
        read += new
    assert ring.position == start + len(read)
    kept = list(ring.since(ring.begins_behind))
    assert kept == read[len(read) - len(kept) :]
    assert sum(len(one.data) for one in kept) <= 100 or len(kept) == 1
    # No more are forgotten than must be: of the entries before, the last one would have been too much.
    forgotten = read[: len(read) - len(kept)]
    assert not forgotten or sum(len(one.data) for one in [forgotten[-1], *kept]) > 100
    assert ring.last_turn == (read[-1].turn if read else 0)
    assert list(ring.since(ring.position)) == []


def test_what_is_there_is_added_once() -> None:
    """A node knows what it has appended before it has read it."""
    ring = Ring()
    assert ring.position == -1
    ring.begin_at(3)
    ring.extend(entries(3, [1, 2]))
    ring.begin_at(4)
    ring.extend(entries(3, [1, 2, 3]))
    assert [len(one.data) for one in ring.since(3)] == [1, 2, 3]


def test_reading_at_another_place_forgets_all() -> None:
    """What is before a gap is not what was read."""
    for place in (2, 9):
        ring = Ring()
        ring.begin_at(3)
        ring.extend(entries(3, [1, 1]))
        ring.begin_at(place)
        assert (ring.position, ring.begins_behind, ring.last_turn) == (place, place, 0)
