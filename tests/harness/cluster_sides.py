"""The same chat twice: in a cluster, and in one world alone, which is the oracle."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from harness.cluster_nodes import APART_MS, Cluster, Node, show_nothing_missed
from harness.cluster_pictures import find_difference, take_picture
from harness.cluster_reading import compare_times, find_msgids, make_plain
from harness.random_lines import ACCOUNTS
from harness.session_client import Client
from harness.watched_house import ROLES
from harness.world import PASSWORD, SHELL, START, Here

from chatroom.chat.stored.history_stores import Journal
from chatroom.chat.stored.records import Role
from chatroom.config import Settings
from chatroom.errors import ChatroomError, StorageError
from chatroom.irc.framing import Malformed
from chatroom.server.change_follower import ChangeFollower
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

MOST_NODES = 4
MEMORY = Path("/dev/shm")
MSGID = re.compile(r"\{id:(\d+)\}")
"""Stands in a line for a message id: that of the last message that the client has read, or of the one before, …"""


@cache
def _database_with_accounts() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "chat.db")
        with Here(path) as here:
            for name in ACCOUNTS:
                here.account(name, ROLES.get(name, Role.USER))
        return path.read_bytes()


class Side:
    """One of the two chats. Clients have the same numbers in both."""

    def __init__(self, path: Path) -> None:
        path.touch(0o600)
        path.write_bytes(_database_with_accounts())
        self.clients: list[Client] = []
        self.read: list[list[str]] = []
        """What each client has read."""
        self.unread: set[int] = set()
        """The clients that read nothing any more, because their node is gone."""
        self.shell: SqliteStores = open_stores(path, writer="cli", clock=lambda: START)

    def open(self, here: Here, address: str, *, secure: bool) -> Client:
        """Open a session, which has said nothing yet."""
        client = here.open(address, secure=secure)
        self.clients.append(client)
        self.read.append([])
        return client

    def say(self, number: int, line: str | Malformed) -> None:
        """Have a client say a line, if it is still there."""
        client = self.clients[number]
        if not client.session.closing:
            client.say(self._fill_in(number, line))

    def _fill_in(self, number: int, line: str | Malformed) -> str | Malformed:
        if not isinstance(line, str) or "{id:" not in line:
            return line
        self.read_all()
        known = find_msgids(self.read[number])

        def find(match: re.Match[str]) -> str:
            back = int(match[1])
            return known[-1 - back] if back < len(known) else "1"

        return MSGID.sub(find, line)

    def read_all(self) -> None:
        """Have the clients read what was sent to them."""
        for number, client in enumerate(self.clients):
            if number not in self.unread:
                self.read[number] += client.read()

    def change_from_shell(self, what: str, name: str) -> None:
        """Change an account from a shell."""
        accounts = self.shell.accounts
        try:
            account = accounts.get(name)
            if what == "delete":
                accounts.delete(account.id, SHELL)
            elif what == "disable":
                accounts.set_disabled(account.id, True, SHELL)
            elif what == "ban":
                self.shell.bans.add("name", name, "why not", None, SHELL)
            else:
                accounts.set_role(account.id, Role.MODERATOR if what == "promote" else Role.USER, SHELL)
        except ChatroomError:
            pass  # it is gone, or banned already


class Oracle(Side):
    """One world."""

    def __init__(self, path: Path, settings: Settings) -> None:
        super().__init__(path)
        self.here = Here(path, settings, history=True)
        self._tasks: list[object] = []
        self.follower = ChangeFollower(self.here.world, self._tasks.append, self.here.stores.last_change_id())

    def follow(self) -> None:
        """Read what others have changed in the database."""
        self.follower.look(self.here.stores)
        while self._tasks:
            with self.here.tick():
                self._tasks.pop(0)()  # type: ignore[operator]


class _FullDisk:
    """A journal that writes no entries, and else does what the real one does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def write(self, entries: object) -> None:
        self._journal.rollback()
        raise StorageError("the disk is full")


@contextmanager
def refusing(here: Here) -> Iterator[None]:
    """Have the database refuse all messages meanwhile."""
    ledger = here.world.ledger
    journal = ledger.journal
    assert journal is not None
    ledger.journal = cast(Journal, _FullDisk(journal))
    try:
        yield
    finally:
        ledger.journal = journal


class Sides:
    """Both chats, and what is done in them."""

    def __init__(self, directory: Path, settings: Settings, nodes: int) -> None:
        self.oracle = Oracle(directory / "oracle.db", settings)
        self.cluster_side = Side(directory / "cluster.db")
        self.cluster = Cluster(directory / "cluster.db", settings, nodes)
        self.has_replays = settings.history.replay_accounts_max > 0
        """True if sessions are shown what they missed. A worker reads it, in each chat at another moment. So then each
        line has a turn of its own, which all nodes apply at once."""
        if not self.has_replays:
            show_nothing_missed(self.oracle.here.world)

    def close(self) -> None:
        """Close the databases' connections."""
        for side in (self.oracle, self.cluster_side):
            side.shell.close()
        self.oracle.here.close()
        self.cluster.close()

    @property
    def count(self) -> int:
        """How many sessions there have been."""
        return len(self.oracle.clients)

    def _node_of(self, number: int) -> Node | None:
        node = self.cluster_side.clients[number].here
        assert isinstance(node, Node)
        return node if node in self.cluster.nodes else None

    # -- what happens -----------------------------------------------------------------------------

    def come(self, node: int, nick: str, capabilities: str, site: int, *, login: bool, secure: bool) -> None:
        """A client connects to a node and registers."""
        address = f"10.0.0.{site}"
        number = self.count
        self.oracle.open(self.oracle.here, address, secure=secure)
        self.cluster_side.open(self.cluster.nodes[node % len(self.cluster.nodes)], address, secure=secure)
        if capabilities:
            self.say(number, "CAP LS 302")
            self.say(number, f"CAP REQ :{capabilities}")
        if login and nick in ACCOUNTS:
            self.say(number, f"PASS :{nick}:{PASSWORD}")
        self.say(number, f"NICK {nick}")
        self.say(number, f"USER {nick[:8]} 0 * :{nick}")
        if capabilities:
            self.say(number, "CAP END")

    def say(self, number: int, line: str | Malformed) -> None:
        """A client says a line, in a turn of its node."""
        node = self._node_of(number)
        if node is None:
            return
        self._prepare(node)
        self.oracle.say(number, line)
        self.cluster_side.say(number, line)
        self._settle(node)

    def say_refused(self, number: int, line: str | Malformed) -> None:
        """A client says a line, and what must be stored of it is not."""
        node = self._node_of(number)
        if node is not None:
            with refusing(node), refusing(self.oracle.here):
                self.say(number, line)

    def say_together(self, lines: list[tuple[int, str | Malformed]]) -> None:
        """Clients of one node say lines in one turn. Those of other nodes than the first one's say nothing."""
        node = self._node_of(lines[0][0])
        if self.has_replays or node is None:
            for number, line in lines if node is not None else ():
                self.say(number, line)
            return
        lines = [(number, line) for number, line in lines if self._node_of(number) is node]
        self._prepare(node)
        filled = [(number, self.cluster_side._fill_in(number, line)) for number, line in lines]
        its = [(number, self.oracle._fill_in(number, line)) for number, line in lines]
        with self.oracle.here.tick():
            for number, line in its:
                self.oracle.say(number, line)
        with node.tick():
            for number, line in filled:
                self.cluster_side.say(number, line)
        self._settle(node)

    def lose(self, number: int) -> None:
        """A client's connection is lost."""
        node = self._node_of(number)
        if node is not None and not self.oracle.clients[number].session.closing:
            self._prepare(node)
            self.oracle.clients[number].vanish()
            if not self.cluster_side.clients[number].session.closing:
                with node.without_turn():
                    self.cluster_side.clients[number].vanish()
                with node.tick():
                    pass  # a session that other nodes know ends in a turn
            self._settle(node)

    def wait(self, seconds: int) -> None:
        """Time passes. Then a node has a turn."""
        self.oracle.here.wait(seconds)
        node = self.cluster.nodes[0]
        node.wait(seconds)
        self._settle(node)

    def hold(self, holding: bool) -> None:
        """From now on jobs wait, or do not."""
        if self.has_replays:
            return
        for here in (self.oracle.here, *self.cluster.nodes):
            here.holding = holding
        if not holding:
            self.release(1000)

    def release(self, count: int) -> None:
        """Have so many jobs done."""
        self.oracle.here.release(count)
        self.cluster.nodes[0].release(count)
        self._settle(self.cluster.nodes[0])

    def change_from_shell(self, what: str, name: str) -> None:
        """Change an account from a shell. All nodes read it."""
        for side in (self.oracle, self.cluster_side):
            side.change_from_shell(what, name)
        self._settle(self.cluster.nodes[0])

    def apply(self, node: int, count: int) -> None:
        """A node applies some of the stream."""
        self.cluster.nodes[node % len(self.cluster.nodes)].apply(count)

    def add_node(self) -> None:
        """A node starts. It loads a snapshot of the world."""
        if len(self.cluster.nodes) < MOST_NODES:
            node = self.cluster.add_node()
            node.holding = self.oracle.here.holding

    def lose_node(self, node: int) -> None:
        """A node dies, and another one ends its sessions. In the oracle they all end in one tick."""
        if len(self.cluster.nodes) == 1:
            return
        self.release(1000)
        self.cluster.catch_up()
        lost = self.cluster.nodes[node % len(self.cluster.nodes)]
        numbers = [number for number in range(self.count) if self._node_of(number) is lost]
        for side in (self.oracle, self.cluster_side):
            side.read_all()
            side.unread.update(numbers)
        self.cluster.lose_node(lost)
        with self.oracle.here.tick():
            for session in list(self.oracle.here.world.sessions.values()):
                if any(self.oracle.clients[number].session is session for number in numbers):
                    self.oracle.here.world.close(session, f"{lost.name} is gone", tell=False)
        # The cluster has more jobs: it stores what the dead node may not have. Behind them, both have the same again.
        self.release(1000)

    def _prepare(self, node: Node) -> None:
        """Have a node apply the stream, and sessions of it that joined be shown what they missed."""
        node.apply()
        if not node.holding:
            node.release()

    def _catch_up(self) -> None:
        while self.cluster.is_behind:
            self.cluster.catch_up()
            self.cluster.nodes[0].release()

    def _settle(self, node: Node) -> None:
        """Do what was put off, and have the nodes read what has changed in the database."""
        for here in (self.oracle.here, node):
            while here.world.work.put_off:
                with here.tick():
                    pass
        self.oracle.follow()
        self.cluster.follow()
        if node.holding:
            self.cluster.catch_up()  # so that the jobs of both chats wait in the same order
        else:
            node.release()
            if self.has_replays:
                self._catch_up()

    # -- the comparison ---------------------------------------------------------------------------

    def compare(self) -> None:
        """Check that all have read the same, and that all worlds are equal."""
        self._catch_up()
        times: dict[str, str] = {}
        plain = []
        for side in (self.oracle, self.cluster_side):
            side.read_all()
            found = {msgid for read in side.read for msgid in find_msgids(read)}
            ranks = {msgid: rank for rank, msgid in enumerate(sorted(found))}
            plain.append([make_plain(read, ranks) for read in side.read])
        for number, (expected, read) in enumerate(zip(*plain, strict=True)):
            assert read == expected, f"session {number}: {_first_difference(expected, read)}"
        for read in self.cluster_side.read:
            compare_times(read, times)
        self._compare_worlds()

    def _compare_worlds(self) -> None:
        names = {client.session.id: number for number, client in enumerate(self.cluster_side.clients)}
        now_ms = max(node.world.wall_ms for node in self.cluster.nodes)
        pictures = [take_picture(node.world, names, now_ms, node.apart_ms) for node in self.cluster.nodes]
        for node, picture in zip(self.cluster.nodes, pictures, strict=True):
            assert not find_difference(pictures[0], picture), f"{node.name}: {find_difference(pictures[0], picture)}"
        copied = take_picture(self.cluster.make_copy(), names, now_ms, self.cluster.nodes[0].apart_ms + APART_MS // 2)
        found = find_difference(pictures[0], copied)
        assert not found, f"the copy of a snapshot: {found}"
        names = {client.session.id: number for number, client in enumerate(self.oracle.clients)}
        expected = take_picture(self.oracle.here.world, names, now_ms, with_seqs=False)
        names = {client.session.id: number for number, client in enumerate(self.cluster_side.clients)}
        first = self.cluster.nodes[0]
        its = take_picture(first.world, names, now_ms, first.apart_ms, with_seqs=False)
        found = find_difference(_of_one_server(expected), _of_one_server(its))
        assert not found, f"the cluster is another than the oracle: {found}"


def _of_one_server(value: object) -> object:
    """Leave the names of servers out of a picture."""
    if isinstance(value, dict):
        return {key: _of_one_server(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_of_one_server(each) for each in value]
    return re.sub(r"chatroom\.(?:[a-d]node|local)", "server", value) if isinstance(value, str) else value


def _first_difference(expected: list[str], read: list[str]) -> str:
    for index in range(max(len(expected), len(read))):
        one, other = expected[index : index + 1], read[index : index + 1]
        if one != other:
            return f"line {index}: {other} instead of {one}, behind {expected[max(0, index - 3) : index]}"
    return ""
