"""Redis has what no node has written: nodes leave it out, or say so, and go on."""

from __future__ import annotations

import pytest
from harness.node_links import NodeLink, Nodes

from chatroom.chat.cluster.turn_records import decode_records
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.stream_reader import StreamReader
from chatroom.server.cluster.turn_desk import Desk, Done

pytestmark = pytest.mark.debian("redis-server")


class Vandal:
    """Another program that writes to the keys of a cluster."""

    def __init__(self, nodes: Nodes) -> None:
        self._ask = nodes.server.ask
        self._cluster = nodes.cluster

    def put(self, key: str, field: str, value: str | bytes) -> None:
        """Set a field of a hash."""
        self._ask("HSET", f"{self._cluster}:{key}", field, value)

    def append(self, *fields: str | bytes) -> None:
        """Add an entry to the stream, as a turn does."""
        position = self._ask("HINCRBY", f"{self._cluster}:state", "position", 1)
        self._ask("XADD", f"{self._cluster}:stream", f"{position}-0", *fields)

    def write(self, entry_id: str) -> None:
        """Add an entry that is no turn's."""
        self._ask("XADD", f"{self._cluster}:stream", entry_id, "x", "1")

    def queue(self, *homes: str) -> None:
        """Have homes wait for the turn."""
        self._ask("RPUSH", f"{self._cluster}:queue", *homes)

    def meta(self, home: str = "q/99") -> str:
        """What an entry says of a turn of a home."""
        return f"{home} 7 {self._ask('HGET', f'{self._cluster}:state', 'generation')}"


@pytest.fixture
def vandal(nodes: Nodes) -> Vandal:
    """Writes to the keys of the cluster."""
    return Vandal(nodes)


def test_nodes_and_facts_that_are_none(nodes: Nodes, vandal: Vandal, caplog: pytest.LogCaptureFixture) -> None:
    """A node without an epoch is left out, facts that are no JSON object are empty; each is logged once."""
    a, _ = nodes.enter("a", "b")
    for name, epoch in (("x", "no number"), ("y", ""), ("z", "5")):
        vandal.put("nodes", name, epoch)
    for facts in ("garbage{", "[1]", "[" * 100_000):
        vandal.put("facts", "b", facts)
        for _ in range(3):
            assert {one.name: dict(one.facts) for one in a.heartbeat({})} == {"a": {}, "b": {}, "z": {}}
    assert len([text for text in caplog.messages if "no node has written" in text]) == 5


def test_entries_that_are_none(nodes: Nodes, vandal: Vandal) -> None:
    """Each holds its position. What comes behind it is read."""
    a, b = nodes.enter("a", "b")
    a.say(b'[["one"]]')
    vandal.append("x", "1")
    vandal.append("m", "garbage", "d", "[]")
    vandal.append("m", "a/1 seven garbage", "d", "[]")
    vandal.append("d", "[]", "m", vandal.meta())
    b.say(b'[["two"]]')
    assert a.read_all(0) == [b'[["one"]]', b"[]", b"[]", b"[]", b"[]", b'[["two"]]']


def test_data_that_are_no_records(nodes: Nodes, vandal: Vandal) -> None:
    """The reader lays an entry without records on the desk."""
    (a,) = nodes.enter("a")
    for data in (
        "{]not json",
        b"\xff\xfe",
        '{"a": 1}',
        "[" * 100_000,
        '[["kept"], "text", 7, null, [], [["x"]], [{}]]',
    ):
        vandal.append("m", vandal.meta(), "d", data)
    assert [done.records for done in read_on_desk(a, 5)] == [[], [], [], [], [["kept"]]]


def read_on_desk(link: NodeLink, count: int) -> list[Done]:
    """What the reader thread lays on the desk, up to a number of entries."""
    desk = Desk()
    reader = StreamReader(link, desk)
    desk.wake = lambda: desk.stop() if len(desk.entries) >= count else None
    reader.run()
    return list(desk.entries)


def test_records_without_a_kind() -> None:
    """They are left out."""
    assert decode_records(b'[1, [], [1], [null, 2], [["join"]], ["join", "x"]]') == [["join", "x"]]


def test_a_state_that_is_none(nodes: Nodes, vandal: Vandal) -> None:
    """The node says which keys cannot be read, as if Redis were away, and goes on when they can."""
    (a,) = nodes.enter("a")
    a.say(b"[]")
    vandal.put("state", "position", "garbage")
    for ask in (a.acquire, lambda: a.read(0, 0)):
        with pytest.raises(RedisUnreachable, match="not as the nodes write them"):
            ask()
    vandal.put("state", "position", "1")
    assert a.take_turn().position == 1


def test_homes_that_are_none(nodes: Nodes, vandal: Vandal) -> None:
    """The turn is handed on to the next one that is."""
    a, b = nodes.enter("a", "b")
    turn = a.take_turn()
    vandal.queue("garbage", "", "x/1", "/")
    assert b.acquire() is None
    a.append(turn, b"[]")
    assert b.wait_grant(30) is not None


@pytest.mark.parametrize("entry_id", ["2-0", "1-1", "2-7", "7-0", "*"])
@pytest.mark.parametrize("is_read", [True, False])
def test_entries_where_no_turn_is(nodes: Nodes, vandal: Vandal, entry_id: str, is_read: bool) -> None:
    """They are removed, by whoever reads or appends next, and the stream goes on behind the last turn."""
    a, b = nodes.enter("a", "b")
    a.say(b"one")
    vandal.write(entry_id)
    if is_read:
        assert b.read_all(0) == [b"one"]
    a.say(b"two", b"three")
    assert b.read_all(0) == a.read_all(0) == [b"one", b"two", b"three"]


def test_an_entry_before_the_first_turn(nodes: Nodes, vandal: Vandal) -> None:
    """It is removed, too."""
    (a,) = nodes.enter("a")
    vandal.write("1-0")
    a.say(b"one")
    assert a.read_all(0) == [b"one"]
