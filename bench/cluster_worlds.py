"""What a node of a cluster pays for people on other nodes: memory, and processor time for what they do.

    python bench/cluster_worlds.py --people 100000 --nodes 10

All nodes are worlds in this process, without sockets, Redis and a database: what one turn has recorded goes to the
others as bytes. Each person has a session on one node and is in ``--joins`` channels. The processor time of a node that
applies an event is that of decoding, applying and making the bytes for its own readers; sending them is not in it. The
node that has the turn pays for the line itself besides: parsing, rules, recording, encoding.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness.runtime import FakeRuntime

from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.cluster.applying import apply
from chatroom.chat.cluster.cluster_world import ClusterWorld
from chatroom.chat.cluster.snapshot import snapshot_to_document
from chatroom.chat.cluster.turn_records import decode_records, encode_records
from chatroom.chat.people.session import Session
from chatroom.chat.world import World
from chatroom.commands.connecting.registration import start
from chatroom.commands.dispatch import run_line
from chatroom.config import Settings
from chatroom.config.chatting import Channels, Limits

BLOCK = 500
"""The most people that come to one node in one turn while the chat is filled. Their numbers follow each other."""
STEP_MS = 5
EVENTS = 400
"""How often each kind of event is measured."""
MEMORY = Path("/proc/self/statm")
SETTINGS = Settings(limits=Limits(enabled=False), channels=Channels(autojoin=()))


def resident_bytes() -> int:
    """The memory of this process."""
    gc.collect()
    return int(MEMORY.read_text().split()[1]) * 4096


class Node:
    """One world. ``is_alone``: one without other nodes, to compare with."""

    def __init__(self, number: int, *, is_alone: bool = False) -> None:
        self.number = number
        self.home = f"n{number}/{number + 1}"
        self.clock_ms = 1_900_000_000_000
        self.world = self._make_world(is_alone)
        self.people: list[Session] = []

    def _make_world(self, is_alone: bool) -> World:
        parts = SETTINGS, FakeRuntime(SETTINGS), Cloak(b"key"), self.clock_ms, 0
        if is_alone:
            return World(*parts)
        world = ClusterWorld(*parts, node=f"n{self.number}")
        world.home = self.home
        return world

    def begin(self) -> None:
        """Begin a tick."""
        self.clock_ms += STEP_MS
        self.world.begin_tick(self.clock_ms, self.clock_ms - 1_900_000_000_000)

    def drain(self) -> None:
        """End a tick: make the bytes for own readers."""
        self.world.outbox.drain()
        self.world.outbox.closed = []
        self.world.log_lines = []
        self.world.work.take(is_behind=False, mono_ms=0)

    def say(self, *lines: tuple[Session, str]) -> bytes:
        """Run lines in a turn. Return what other nodes read of it."""
        world, data = self.world, b""
        self.begin()
        if isinstance(world, ClusterWorld):
            world.begin_turn(world.last_seq)
        for session, line in lines:
            run_line(world, session, line)
        if isinstance(world, ClusterWorld):
            data = encode_records([record for _, record in world.end_turn()])
        self.drain()
        return data

    def read(self, home: str, data: bytes) -> None:
        """Apply what another node's turn has recorded."""
        assert isinstance(self.world, ClusterWorld)
        self.begin()
        apply(self.world, home, decode_records(data))
        self.drain()

    def come(self, number: int) -> Session:
        """Make a session that has said nothing yet."""
        address = 0x0A000000 + number
        text = ".".join(str(byte) for byte in address.to_bytes(4, "big"))
        kind = getattr(self.world, "session_kind", Session)
        session: Session = kind(
            (self.number + 1 << 32) + number, text, 4, address, self.world.cloak.host(4, address), self.clock_ms
        )
        start(self.world, session)
        self.people.append(session)
        return session


class Chat:
    """All nodes, with their people."""

    def __init__(self, people: int, nodes: int, joins: int, members: int, *, is_alone: bool = False) -> None:
        self.nodes = [Node(number, is_alone=is_alone) for number in range(nodes)]
        self.rooms = max(1, people * joins // members)
        self.joins = joins
        self.block = min(BLOCK, people // nodes)
        for first in range(0, people, self.block):
            self.fill(self.nodes[first // self.block % nodes], range(first, first + self.block))
        gc.freeze()  # as the daemon does with what stays

    def fill(self, node: Node, numbers: range) -> None:
        """Have people come to a node, in one turn, and join their channels."""
        lines = []
        for number in numbers:
            session = node.come(number)
            lines += [(session, f"NICK p{number}"), (session, "USER u 0 * :A person of the bench")]
            rooms = ",".join(f"#room{(number * 7919 + step * 104_729) % self.rooms}" for step in range(self.joins))
            lines.append((session, f"JOIN {rooms}"))
        self.tell(node, node.say(*lines))

    def tell(self, node: Node, data: bytes) -> None:
        """Have all other nodes apply what a turn has recorded."""
        for other in self.nodes:
            if other is not node:
                other.read(node.home, data)


def time_us(times: list[int]) -> float:
    """The middle of some times in nanoseconds, in microseconds."""
    return round(median(times) / 1000, 1)


def clock(work: Callable[[], Any]) -> tuple[int, Any]:
    """Do something. Return the processor time of this thread that it took, in nanoseconds, and its result."""
    before = time.thread_time_ns()
    result = work()
    return time.thread_time_ns() - before, result


def measure_events(chat: Chat, together: int) -> dict[str, Any]:
    """Measure what people do, on the node of the turn and on the others. ``together`` lines share a turn."""
    found = {}
    node = chat.nodes[0]
    speakers = [person for person in node.people if person.user is not None][:EVENTS]
    rooms = [next(iter(person.user.channels)).name for person in speakers if person.user is not None]
    others_people = [person.user for person in chat.nodes[-1].people if person.user is not None][-len(speakers) :]
    friends = [user.nick for user in others_people]
    sayings: dict[str, Callable[[int], str]] = {
        "message to a channel": lambda number: f"PRIVMSG {rooms[number]} :hello all of you, this is {number}",
        "message to a user": lambda number: f"PRIVMSG {friends[number]} :hello, this is {number}",
        "part": lambda number: f"PART {rooms[number]} :see you",
        "join": lambda number: f"JOIN {rooms[number]}",
        "nick": lambda number: f"NICK q{number}",
        "quit": lambda number: "QUIT :see you",
    }
    for kind, make in sayings.items():
        own, others, size = [], [], 0
        for first in range(0, len(speakers) - together + 1, together):
            lines = [(speakers[number], make(number)) for number in range(first, first + together)]
            ns, data = clock(lambda lines=lines: node.say(*lines))  # type: ignore[misc]
            own.append(ns // together)
            size += len(data)
            for other in chat.nodes[1:]:
                ns, _ = clock(lambda other=other, data=data: other.read(node.home, data))  # type: ignore[misc]
                others.append(ns // together)
        count = len(own) * together
        found[kind] = {"turn": time_us(own), "applied": time_us(others or [0]), "bytes": size // count}
    return found


def measure_alone(people: int, joins: int, members: int) -> dict[str, Any]:
    """Measure one world without other nodes that has everybody."""
    before = resident_bytes()
    chat = Chat(people, 1, joins, members, is_alone=True)
    size = (resident_bytes() - before) // people
    return {"people": people, "bytes a person": size, "events": measure_events(chat, 1)}


def main() -> None:
    """Measure one size, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--joins", type=int, default=5, help="channels of each person")
    parser.add_argument("--members", type=int, default=50, help="members of each channel")
    parser.add_argument("--alone", action="store_true", help="one world without other nodes instead")
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(measure_alone(given.people, given.joins, given.members), indent=1))
        return
    before, begun = resident_bytes(), time.process_time()
    chat = Chat(given.people, given.nodes, given.joins, given.members)
    filled_s = time.process_time() - begun
    size = resident_bytes() - before
    document = json.dumps(snapshot_to_document(chat.nodes[0].world))  # type: ignore[arg-type]
    print(
        json.dumps(
            {
                "people": given.people,
                "nodes": given.nodes,
                "channels": len(chat.nodes[0].world.channels),
                "MB a node": round(size / given.nodes / 1e6, 1),
                "bytes a person and node": size // given.nodes // given.people,
                "ms of processor a person, to come on all nodes": round(filled_s / given.people * 1000, 3),
                "snapshot, bytes a person": len(document) // given.people,
                "one line a turn": measure_events(chat, 1),
                "twenty lines a turn": measure_events(chat, 20) if given.people // given.nodes > 2 * EVENTS else {},
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
