"""Several nodes in one process, without stores: each has a ``ClusterWorld``, and turns follow each other at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

from harness.runtime import FakeRuntime
from harness.world import START, make_settings

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.cluster.applying import apply
from chatroom.chat.cluster.cluster_world import ClusterWorld
from chatroom.chat.cluster.snapshot import load_snapshot, snapshot_to_document
from chatroom.chat.cluster.turn_records import Record, decode_records, encode_records
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountEntry
from chatroom.commands.connecting.registration import start
from chatroom.commands.dispatch import resume, run_line
from chatroom.config import Settings

START_MS = int(START.timestamp() * 1000)


class Person:
    """A client of a node."""

    def __init__(self, node: Node, session: Session) -> None:
        self.node = node
        self.session = session
        self.unread: list[str] = []
        self.closed = False

    def say(self, *lines: str) -> list[str]:
        """Say lines in one turn, and return what was read since the last call."""
        with self.node.turn():
            for line in lines:
                waiting = run_line(self.node.world, self.session, line)
                if waiting:  # there are no stores, so nothing is found
                    assert resume(*waiting, []) is None, f"{line} waits for more"
        return self.read()

    def read(self) -> list[str]:
        """What was read since the last call."""
        unread, self.unread = self.unread, []
        return unread


class Node:
    """One of the nodes."""

    def __init__(self, stage: ClusterStage, name: str, epoch: int) -> None:
        self.stage = stage
        self.epoch = epoch
        settings = stage.settings
        clocks = stage.wall_ms, stage.mono_ms + epoch * 1_000_000  # each machine has a monotonic clock of its own
        accounts = AccountDirectory(stage.accounts)
        self.world = ClusterWorld(settings, FakeRuntime(settings), Cloak(b"key"), *clocks, accounts, node=name)
        self.world.home = f"{name}/{epoch}"
        self.ahead_ms = 0
        """How far its wall clock is ahead of that of the stage."""
        self.people: dict[int, Person] = {}
        self.behind: list[tuple[str, bytes]] = []
        """The turns of other nodes that are not applied yet."""

    def open(self, address: str = "10.0.0.1") -> Person:
        """Make a session that has said nothing yet."""
        world, parsed = self.world, ipaddress.ip_address(address)
        number = self.epoch << 32 | (len(self.people) + 1)
        host = world.cloak.host(parsed.version, int(parsed))
        session = world.session_kind(number, address, parsed.version, int(parsed), host, world.wall_ms)
        person = self.people[number] = Person(self, session)
        with self.tick():
            start(world, session)
        return person

    def connect(self, nick: str, *, caps: str = "", account: AccountEntry | None = None) -> Person:
        """Make a registered session that has read its welcome."""
        person = self.open()
        if account is not None:
            assert person.session.registration is not None
            person.session.registration.account = account
            self.world.online.data_of(account.id)
        lines = ["CAP LS 302", f"CAP REQ :{caps}"] if caps else []
        person.say(*lines, f"NICK {nick}", f"USER {nick} 0 * :Real Name", *(["CAP END"] if caps else []))
        assert person.session.user is not None
        return person

    @contextmanager
    def tick(self) -> Iterator[None]:
        """A tick. What it tells is read at its end."""
        world = self.world
        world.begin_tick(self.stage.wall_ms + self.ahead_ms, self.stage.mono_ms + self.epoch * 1_000_000)
        yield
        for session, data in world.outbox.drain():
            lines = data.decode().split("\r\n")
            assert lines.pop() == ""
            self.people[session.id].unread += lines
        for session in world.outbox.closed:
            self.people[session.id].closed = True
        world.outbox.closed = []
        shown = [line for line in world.log_lines if "does not fit" in line]
        assert not shown, shown
        world.log_lines = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A tick with the turn. At its end all other nodes apply it, unless the stage holds them back."""
        self.catch_up()
        with self.tick():
            self.world.begin_turn(self.stage.last_seq)
            yield
            self.world.end_deferred()
            records = [record for _, record in self.world.end_turn()]
        self.stage.send(self, records)

    def catch_up(self) -> None:
        """Apply the turns of other nodes."""
        behind, self.behind = self.behind, []
        for home, data in behind:
            with self.tick():
                apply(self.world, home, decode_records(data))

    def user(self, nick: str) -> User:
        """The user with that nick."""
        user = self.world.find_user(nick)
        assert user is not None, nick
        return user

    def channel(self, name: str) -> Channel:
        """The channel with that name."""
        channel = self.world.find_channel(name)
        assert channel is not None, name
        return channel


class ClusterStage:
    """The nodes and the stream between them."""

    def __init__(self, settings: Settings | None = None, accounts: tuple[AccountEntry, ...] = ()) -> None:
        self.settings = settings or make_settings(channels={"autojoin": []})
        self.accounts = accounts
        self.wall_ms = START_MS
        self.mono_ms = 1_000_000
        self.last_seq = 0
        self.holding = False
        """True if nodes apply what others did only before their own turns."""
        self.nodes: list[Node] = []

    def add(self, name: str) -> Node:
        """Have a node join the others."""
        node = Node(self, name, len(self.nodes) + 1)
        if self.nodes:
            self.nodes[0].catch_up()
            with self.nodes[0].tick(), node.tick():
                load_snapshot(node.world, snapshot_to_document(self.nodes[0].world))
        self.nodes.append(node)
        return node

    def gather(self, *people: Person) -> None:
        """Have people join #tea, in order, and read what that tells them."""
        for person in people:
            person.say("JOIN #tea")
        for person in people:
            person.read()

    def send(self, sender: Node, records: list[Record]) -> None:
        """Put a turn into the stream."""
        if not records:
            return
        assert records[-1][0] == "end"
        self.last_seq = records[-1][1]["seq"]
        data = encode_records(records)
        for node in self.nodes:
            if node is not sender:
                node.behind.append((sender.world.home, data))
                if not self.holding:
                    node.catch_up()
        self.wall_ms += 1
        self.mono_ms += 1

    def check_same(self) -> None:
        """Assert that all nodes have the same world."""
        for node in self.nodes:
            node.catch_up()
        documents = [_without_clocks(node) for node in self.nodes]
        for document in documents[1:]:
            for key, value in documents[0].items():
                assert document[key] == value, key


def _without_clocks(node: Node) -> dict[str, object]:
    document = snapshot_to_document(node.world)
    document["mono"] = document["latest"] = document["clock"] = 0
    ahead_ms = node.epoch * 1_000_000
    for user in document["users"]:
        for name in ("spoke_mono_ms", "knocked_mono_ms"):
            if user[name] is not None:
                user[name] -= ahead_ms
    for channel in document["channels"]:
        for name in ("join_throttle", "nick_throttle"):
            if channel[name] is not None:
                channel[name][2] = [moment - ahead_ms for moment in channel[name][2]]
        if channel["slow_mode"] is not None:
            interval_s, parts = channel["slow_mode"]
            channel["slow_mode"] = [interval_s, [[[key, ms - ahead_ms] for key, ms in part] for part in parts]]
    for mute in document["mutes"]:
        mute[2] -= ahead_ms
    document["tries"] = {key: [moment - ahead_ms for moment in moments] for key, moments in document["tries"].items()}
    document["actions"] = {key: moment - ahead_ms for key, moment in document["actions"].items()}
    return document
