"""Nodes without sockets, threads, PostgreSQL or Redis: the test says when one has the turn, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from harness.gated_stage import START_MS, STEP_MS, StagedConnection, StagedThread, StagedWorkers
from harness.invariants import check_lines
from harness.journal import FakeJournal
from harness.runtime import FakeRuntime
from harness.world import make_settings

from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.cluster.cluster_world import ClusterWorld
from chatroom.chat.cluster.turn_records import decode_records
from chatroom.chat.delivery.gated_ledger import GatedLedger
from chatroom.chat.people.session import Session
from chatroom.chat.stored.entries import Entry, folded
from chatroom.chat.stored.kept_turns import KeptTurn
from chatroom.commands.connecting.registration import start
from chatroom.errors import ClusterError
from chatroom.irc.names import casefold
from chatroom.server.cluster import cluster_hub, other_nodes, turn_journal
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.cluster_hub import ClusterHub
from chatroom.server.cluster.turn_desk import Desk, Done, Granted
from chatroom.server.cluster.turn_journal import TurnJournal
from chatroom.server.operator_screen import Screen


class FakeNodeJournal(FakeJournal):
    """Implements ``NodeJournal``."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self.fenced_below = 0
        self.kept_turn: KeptTurn | None = None
        self._keeping: KeptTurn | None = None
        self._renamed: list[tuple[str, str]] = []

    def rename_channel(self, name: str, new_name: str) -> None:
        super().rename_channel(name, new_name)
        self._written = _renamed(self._written, name, new_name)
        self._renamed.append((name, new_name))

    def rollback(self) -> None:
        super().rollback()
        self._renamed = []

    def use_turn(self, turn: int, home: str = "") -> None:
        self.turn = turn

    def next_turn(self) -> int:
        return self.turn + 1

    def claim(self, turn: int) -> None:
        self.fenced_below = self.turn = turn

    def keep_turn(self, kept: KeptTurn) -> None:
        self._keeping = kept

    def commit(self) -> None:
        for name, new_name in self._renamed:
            self.kept = _renamed(self.kept, name, new_name)
        self._renamed = []
        super().commit()
        self.kept_turn = self._keeping or self.kept_turn
        self._keeping = None

    def find_kept(self, after_id: int) -> KeptTurn | None:
        return self.kept_turn if self.kept_turn is not None and self.kept_turn.after_id == after_id else None

    def untold(self, above: int, most: int = 1000) -> list[Entry]:
        return [entry for entry in self.kept if entry.message_id > above][:most]


def _renamed(entries: list[Entry], name: str, new_name: str) -> list[Entry]:
    """Entries, those of a channel under its new name: the database has one name for all of them."""
    return [
        entry._replace(conversation=new_name) if folded(entry.conversation) == casefold(name) else entry
        for entry in entries
    ]


class StagedNode:
    """A node."""

    def __init__(self, stage: NodeStage, name: str, epoch: int) -> None:
        self.stage = stage
        self.epoch = epoch
        settings = make_settings(channels={"autojoin": ()})
        self.journal = FakeNodeJournal()
        self.desk = Desk()
        self.failure: ClusterError | None = None
        """What the next append raises."""
        self.committer = TurnJournal(self.journal, self.desk, self._append)
        ledger = GatedLedger(self.journal, self.committer, settings.history)
        clocks = START_MS, stage.mono_ms
        self.world = ClusterWorld(settings, FakeRuntime(settings), Cloak(b"key"), *clocks, None, ledger, node=name)
        self.world.home = f"{name}/{epoch}"
        self.hub = ClusterHub(self.world, StagedWorkers(), Screen())
        self.thread = StagedThread()
        self.hub.threads = [self.thread]
        self.hub.enter(0)
        self.connections: list[StagedConnection] = []
        self.log: list[str] = []

    def open(self) -> StagedConnection:
        """Begin a session."""
        number = self.epoch << 32 | (len(self.connections) + 1)
        session: Session = self.world.session_kind(number, "10.0.0.1", 4, 1, "h.x", START_MS)
        session.connection = connection = StagedConnection(self.hub, session)
        session.opened_mono_ms = session.heard_mono_ms = self.world.mono_ms
        self.connections.append(connection)
        start(self.world, session)
        return connection

    def come(self, nick: str) -> StagedConnection:
        """Add a user, in a turn of its own."""
        connection = self.open()
        self.take_turn((connection, f"NICK {nick}"), (connection, f"USER {nick} 0 * :U"))
        assert connection.session.user is not None
        connection.got = b""
        return connection

    # -- ticks and turns --------------------------------------------------------------------------

    @property
    def told(self) -> int:
        """Up to which message id it has told its people, as it says."""
        return self.hub.mark.read()[1].seq

    def tick(self, *lines: tuple[StagedConnection, str], fails: bool = False) -> None:
        """Run lines in a tick, with the tasks that wait, and write. ``fails``: the tick fails after the lines."""
        self.stage.mono_ms += STEP_MS
        hub = self.hub
        with hub.lock:
            hub.begin()
            for _ in range(len(self.thread.tasks)):
                hub.run_task(self.thread.tasks.popleft())
            for connection, line in lines:
                connection.parked.append(line)
                connection.run_parked()
            if fails:  # as ``IoThread._recover`` does it
                self.world.ledger.abandon()
                self.thread.pending += self.world.outbox.abandon()
            else:
                hub.end()
            self.log += hub.take_log()
            pending, self.thread.pending = self.thread.pending, []
        self._write(pending)

    def _write(self, pending: Sequence[tuple[Session, bytes | None]]) -> None:
        for session, data in pending:
            if data is None:
                session.connection.closed += 1
            else:
                check_lines(data)
                session.connection.got += data
        self.hub.mark.note_written(0, (), has_told=bool(pending))

    def grant(self) -> Turn:
        """Give the node the turn, which the next tick takes."""
        self.stage.turns += 1
        turn = Turn(self.stage.turns, len(self.stage.stream), False)
        self.desk.grant(Granted(turn, since_mono_ms=self.stage.mono_ms))
        return turn

    def commit(self) -> None:
        """Do what the journal thread has to do, if anything."""
        given, self.committer._given = self.committer._given, None
        if given is not None:
            self.committer._do(*given)

    def take_turn(self, *lines: tuple[StagedConnection, str]) -> None:
        """Say lines, and have them run in a turn that is committed and told."""
        self.tick(*lines)
        self.grant()
        self.tick()
        self.commit()
        self.tick()

    def read_stream(self) -> None:
        """Lay on the desk what was appended since the last time."""
        have = self.hub.position
        self.desk.add([done for done in self.stage.stream if done.position > have])

    def _append(self, turn: Turn, data: bytes) -> int:
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        position = turn.position + 1
        self.stage.stream.append(Done(position, self.world.home, decode_records(data)))
        return position


class NodeStage:
    """Nodes that share a stream."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mono_ms = 1_000
        self.turns = 0
        self.stream: list[Done] = []
        monkeypatch.setattr(cluster_hub, "read_clocks", lambda: (START_MS + self.mono_ms, self.mono_ms))
        # A tick does all that there is to do, however slow the machine is.
        monkeypatch.setattr(cluster_hub, "TICK_S", 60.0)
        monkeypatch.setattr(cluster_hub, "TASKS_S", 60.0)
        monkeypatch.setattr(other_nodes, "APPLY_S", 60.0)
        monkeypatch.setattr(turn_journal, "_STORED_PATIENCE_S", 0.0)  # the jobs of its workers run when the test says
        self.a, self.b = StagedNode(self, "a", 1), StagedNode(self, "b", 2)

    def come_together(self) -> tuple[StagedConnection, StagedConnection]:
        """Have ann come to node a and bob to node b, and both to #a."""
        ann = self.a.come("ann")
        self.follow()
        bob = self.b.come("bob")
        self.follow()
        for node, connection in ((self.a, ann), (self.b, bob)):
            node.take_turn((connection, "JOIN #a"))
            self.follow()
        ann.got = bob.got = b""
        return ann, bob

    def follow(self) -> None:
        """Have both nodes apply what was appended."""
        for node in (self.a, self.b):
            node.read_stream()
            node.tick()
