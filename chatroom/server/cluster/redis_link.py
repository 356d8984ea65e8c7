"""A node's link to the others, over Redis.

``cluster_contract`` says what it promises, ``scripts`` what it does in Redis, ``founding`` what if Redis loses that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import wraps
from threading import Lock, local
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from chatroom.chat.cluster.told import Told
from chatroom.config.clustering import Cluster
from chatroom.errors import Fenced, NodeRuns, RedisUnreachable, StreamLost, StreamTrimmed
from chatroom.server.cluster import scripts
from chatroom.server.cluster.cluster_contract import Entry, Joined, NodeState, Recovered, Snapshot, Turn
from chatroom.server.cluster.founding import Claim, choose_founder, is_part_of, make_plan
from chatroom.server.cluster.last_told import find_last_told
from chatroom.server.cluster.link_memory import LinkMemory
from chatroom.server.cluster.redis_answers import Oddities, read_entry, read_kept, read_states, read_told
from chatroom.server.cluster.redis_line import BULK_ANSWER_S, RedisLine

STREAM_ENTRIES = 100_000
"""About how many entries the stream keeps."""
_READ_AT_ONCE = 200
_TRIMMED_AT_ONCE = 10_000
_SNAPSHOT_S = 60
_TOLD_MS = 3_600_000
"""How long it is kept, from the last heartbeat of a node on, how far it has told its people."""
_CLAIM_MS = 2000
"""For how long a claim counts: who stands still must not be waited for."""


P = ParamSpec("P")
Answer = TypeVar("Answer")


def _understood(method: Callable[Concatenate[ClusterLink, P], Answer]) -> Callable[Concatenate[ClusterLink, P], Answer]:
    """Have a method raise ``RedisUnreachable`` for an answer that cannot be read: another program has written there."""

    @wraps(method)
    def call(self: ClusterLink, /, *args: P.args, **named: P.kwargs) -> Answer:
        try:
            return method(self, *args, **named)
        except ValueError as error:
            raise self.cannot_read(error) from error

    return call


class ClusterLink:
    """The link of one node. Make it once for each start of the daemon. Safe for any thread."""

    def __init__(self, settings: Cluster, stream_entries: int = STREAM_ENTRIES) -> None:
        assert settings.address is not None
        self._address = settings.address
        self._prefix = f"{settings.name}:"
        self._lease_ms = round(settings.lease_s * 1000)
        self._patience_s = settings.lease_s / 2
        self._stream_entries = stream_entries
        self._client_name = f"chatroom-{settings.node}"
        self._memory = LinkMemory(settings.node)
        self._of_thread = local()
        self._lines: WeakSet[RedisLine] = WeakSet()
        self._turn_line: RedisLine | None = None
        """The one over which the last turn came."""
        self._lock = Lock()
        """Guards ``_lines``."""
        self._roll: tuple[str, float] = ("", 0.0)
        """The run whose agreement this node waits for, and since which monotonic time."""
        self._oddities = Oddities()
        self._seen_lease: tuple[str, int] | None = None
        """The epoch and the rest of the lease, in ms, of the node that ``join`` has found under its name."""

    @property
    def home(self) -> str:
        """The node and its epoch; empty before ``join``."""
        return self._memory.home

    @_understood
    def join(self, find_turn_floor: Callable[[], int]) -> Joined | None:
        """See ``Link.join``."""
        line, run = self._connect()
        memory = self._memory
        answer = line.run(scripts.JOIN, self._prefix, [run, "", memory.name, 0, memory.token, self._lease_ms])
        if answer[0] == b"lost":
            memory.join(0, "", "")  # nothing of an earlier epoch counts
            self._agree(line, run, find_turn_floor)
            return None
        if answer[0] == b"runs":
            self._look_at_lease(answer[1].decode(), int(answer[2]))
            return None
        _, epoch, generation, lineage, position, is_first = (part.decode() for part in answer)
        self._roll, self._seen_lease = ("", 0.0), None
        memory.join(int(epoch), generation, lineage)
        return Joined(memory.home, int(epoch), int(position), is_first == "1")

    def claim_first(self) -> bool:
        """See ``Link.claim_first``."""
        return bool(self._ask(scripts.CLAIM_FIRST)[0] == b"1")

    def mark_ready(self, position: int) -> None:
        """See ``Link.mark_ready``."""
        self._memory.have_world(position)
        self._ask(scripts.MARK_READY)

    @_understood
    def acquire(self) -> Turn | None:
        """See ``Link.acquire``."""
        era = self._memory.era
        answer = self._ask(scripts.ACQUIRE)
        if answer[0] == b"wait":
            return None
        self._turn_line = self._of_thread.line
        return self._memory.begin_turn(Turn(int(answer[1]), int(answer[2]), answer[3] == b"1"), era)

    @_understood
    def wait_grant(self, timeout_s: float) -> Turn | None:
        """See ``Link.wait_grant``."""
        line, run = self._connect_as_node()
        del run  # a grant that was left in another run of Redis is removed by the agreement
        era = self._memory.era
        key = f"{self._prefix}grant:{self.home}"
        answer = line.call("BLPOP", key, f"{max(timeout_s, 0.001):.3f}", wait_s=timeout_s)
        if answer is None:
            return None
        number, position, is_broken = answer[1].decode().split()
        self._turn_line = line
        return self._memory.begin_turn(Turn(int(number), int(position), is_broken == "1"), era)

    def is_cut(self) -> bool:
        """See ``Link.is_cut``."""
        line = self._turn_line
        return line is None or line.has_ended()

    def append(self, turn: Turn, data: bytes, *, mends: bool = True) -> int:
        """See ``Link.append``."""
        position = turn.position + 1
        self._memory.end_turn(turn, data)
        try:
            self._ask(scripts.APPEND, turn.number, position, data, self._stream_entries, int(mends))
        except (Fenced, RedisUnreachable) as error:
            # If the answer to the first try was lost with Redis, the entry was read, and need not be there again.
            if not self._memory.has_read(turn):
                if isinstance(error, Fenced):
                    self._memory.settle_turn(turn, is_appended=False)
                raise
        self._memory.settle_turn(turn, is_appended=True)
        return position

    def release(self, turn: Turn) -> None:
        """See ``Link.release``."""
        self._memory.end_turn(turn)
        self._ask(scripts.RELEASE, turn.number)

    @_understood
    def read(self, after: int, block_s: float) -> list[Entry]:
        """See ``Link.read``."""
        self._memory.begin_reading(after)
        line, run = self._connect_as_node()
        known = line.connections, self._memory.era
        if getattr(self._of_thread, "checked", None) != known:
            self._check_position(line, run, after)
            self._of_thread.checked = known
        entries = self._read_stream(line, run, after, block_s)
        if not entries and self._check_position(line, run, after) > after:
            entries = self._read_stream(line, run, after, 0)
            if not entries:
                raise self._trimmed(after)
        self._memory.note_read(entries)
        return entries

    @_understood
    def heartbeat(self, facts: Mapping[str, object], told: Told | None = None) -> list[NodeState]:
        """See ``Link.heartbeat``."""
        text = told.to_text() if told is not None else ""
        _, *nodes = self._ask(scripts.HEARTBEAT, self._lease_ms, json.dumps(facts), text, _TOLD_MS)
        states = read_states(nodes, self._oddities)
        self._memory.note_nodes(states)
        return states

    def leave_told(self, home: str, told: Told) -> None:
        """See ``Link.leave_told``."""
        line, run = self._connect()
        del run  # it is true in any run of Redis, and for a home that is no more
        line.call("SET", f"{self._prefix}told:{home}", told.to_text(), "PX", _TOLD_MS)

    def find_told(self, homes: Iterable[str]) -> dict[str, Told | None]:
        """See ``Link.find_told``."""
        names = list(homes)
        line, run = self._connect_as_node()
        del run
        found = line.call("MGET", *[f"{self._prefix}told:{home}" for home in names]) if names else []
        return {home: read_told(text, self._oddities) for home, text in zip(names, found, strict=True)}

    def find_last_told(self) -> list[Told]:
        """See ``Link.find_last_told``."""
        line, run = self._connect()
        del run
        return find_last_told(line, f"{self._prefix}told:", 2 * self._lease_ms, self._oddities)

    def remove(self, name: str, epoch: int) -> bool:
        """See ``Link.remove``."""
        return bool(self._ask(scripts.REMOVE, name, epoch)[0] == b"1")

    def trim(self, position: int) -> None:
        """See ``Link.trim``."""
        while self._ask(scripts.TRIM, position + 1, _TRIMMED_AT_ONCE)[0] == b"more":
            pass

    def leave(self) -> None:
        """See ``Link.leave``."""
        self._ask(scripts.LEAVE)

    @_understood
    def recover(self, find_turn_floor: Callable[[], int]) -> Recovered | None:
        """See ``Link.recover``."""
        line, run = self._connect_as_node()
        answer = self._resume(line, run)
        if answer[0] == b"open":
            if not self._agree(line, run, find_turn_floor):
                return None
            answer = self._resume(line, run)
            if answer[0] == b"open":
                return None
        if answer[0] == b"fenced":
            raise self._fenced()
        generation, lineage, position, number = (part.decode() for part in answer[1:])
        self._roll = "", 0.0
        if not self._memory.would_agree(lineage):
            line.run(scripts.LEAVE, self._prefix, [run, generation, *self._named()])
            raise self._fenced()
        return Recovered(int(position), self._memory.agree(generation, lineage, int(number)))

    def put_snapshot(self, home: str, snapshot: Snapshot) -> None:
        """See ``Link.put_snapshot``."""
        head = f"{self._memory.era[1]} {snapshot.position}\n".encode()
        with closing(self._make_line(BULK_ANSWER_S)) as line:
            line.connect()
            line.call("SET", f"{self._prefix}snapshot:{home}", head + snapshot.data, "EX", _SNAPSHOT_S)

    @_understood
    def take_snapshot(self) -> Snapshot | None:
        """See ``Link.take_snapshot``."""
        with closing(self._make_line(BULK_ANSWER_S)) as line:
            line.connect()
            found: bytes | None = line.call("GET", f"{self._prefix}snapshot:{self.home}")
        if found is None:
            return None
        head, _, data = found.partition(b"\n")
        generation, position = head.decode().split(" ")
        if not is_part_of(self._memory.lineage, generation, int(position)):
            return None
        return Snapshot(int(position), data)

    def close(self) -> None:
        """See ``Link.close``."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            line.close()

    def _make_line(self, answer_s: float | None = None) -> RedisLine:
        name = self._client_name
        return RedisLine(self._address, name) if answer_s is None else RedisLine(self._address, name, answer_s)

    def _connect(self) -> tuple[RedisLine, str]:
        """Return this thread's line, connected, and the run of Redis that it is connected to."""
        line: RedisLine | None = getattr(self._of_thread, "line", None)
        if line is None:
            line = self._of_thread.line = self._make_line()
            with self._lock:
                self._lines.add(line)
        return line, line.connect()

    def _connect_as_node(self) -> tuple[RedisLine, str]:
        """As ``_connect``, for a node that is not fenced."""
        if self._memory.is_fenced:
            raise self._fenced()
        return self._connect()

    def _ask(self, script: scripts.Script, *arguments: str | bytes | int) -> list[Any]:
        """Run a script for this node. Raises ``StreamLost`` and ``Fenced``."""
        line, run = self._connect_as_node()
        epoch, generation = self._memory.era
        answer = line.run(script, self._prefix, [run, generation, self._memory.name, epoch, *arguments])
        if answer[0] == b"lost":
            raise self._lost()
        if answer[0] == b"fenced":
            raise self._fenced()
        return answer

    def _read_stream(self, line: RedisLine, run: str, after: int, block_s: float) -> list[Entry]:
        block: list[str | int] = ["BLOCK", max(1, round(block_s * 1000))] if block_s > 0 else []
        key = f"{self._prefix}stream"
        answer = line.call("XREAD", "COUNT", _READ_AT_ONCE, *block, "STREAMS", key, f"{after}-0", wait_s=block_s)
        entries: list[Entry] = []
        for entry_id, fields in answer[0][1] if answer else ():
            entry = read_entry(entry_id, fields, self._memory.era[1], self._oddities)
            is_next = entry.position == after + len(entries) + 1 and entry_id.endswith(b"-0")
            if not (is_next and entry.home) and self._is_foreign(line, run, after, entry_id, entry.position):
                line.call("XDEL", key, entry_id)
                continue
            if not is_next:
                raise self._trimmed(after)
            # Made after an agreement of the others that this node has still to take in.
            if not self._memory.is_known(entry.generation):
                if not entries:
                    raise self._lost()
                break
            entries.append(entry)
        return entries

    def _is_foreign(self, line: RedisLine, run: str, after: int, entry_id: bytes, position: int) -> bool:
        """True if no node can have appended an entry, because it lies between two turns or behind the last one."""
        is_foreign = not entry_id.endswith(b"-0") or position > self._check_position(line, run, after)
        if is_foreign:
            self._oddities.note("stream", entry_id)
        return is_foreign

    def _check_position(self, line: RedisLine, run: str, after: int) -> int:
        """Return the stream's last position. Raises ``StreamLost`` if the nodes have not agreed on it."""
        answer = line.call("HMGET", f"{self._prefix}state", "run", "generation", "position")
        its_run, generation, position = (part.decode() if part is not None else "" for part in answer)
        if its_run != run or generation != self._memory.era[1] or int(position) < after:
            raise self._lost()
        return int(position)

    def _named(self) -> list[str | bytes | int]:
        return [self._memory.name, self._memory.era[0]]

    def _resume(self, line: RedisLine, run: str) -> list[Any]:
        return line.run(scripts.RESUME, self._prefix, [run, "", *self._named()])

    def _agree(self, line: RedisLine, run: str, find_turn_floor: Callable[[], int]) -> bool:
        """Leave this node's claim, and write the plan if it is the founder. Return True if the nodes have agreed."""
        memory = self._memory
        if self._roll[0] != run:
            self._roll = run, time.monotonic()
        claim = memory.make_claim(time.monotonic() - self._roll[1])
        named = [run, "", *self._named(), memory.token]
        answer = line.run(scripts.CALL_ROLL, self._prefix, [*named, claim.to_json(), _CLAIM_MS])
        if answer[0] == b"agreed":
            self._roll = "", 0.0
            return True
        claims, kept = [Claim.from_json(text) for text in answer[2]], read_kept(answer)
        founder = choose_founder(claims, kept, self._patience_s)
        if founder is None or founder.token != memory.token:
            return False
        plan = make_plan(
            claim,
            claims,
            kept,
            memory.lineage,
            begins_behind=memory.begins_behind,
            turn_floor=find_turn_floor(),
        )
        arguments: list[str | bytes | int] = [*named, json.dumps(claim.rank), plan.to_json(), self._lease_ms]
        for entry in memory.entries_between(plan.base, plan.position):
            arguments += [entry.position, f"{entry.home} {entry.turn} {entry.generation}", entry.data]
        with closing(self._make_line(BULK_ANSWER_S)) as bulk:
            # Redis may have been started again in the meantime: then the plan is for nobody.
            return bulk.connect() == run and bulk.run(scripts.FOUND, self._prefix, arguments)[0] == b"agreed"

    def _look_at_lease(self, epoch: str, left_ms: int) -> None:
        """Raise ``NodeRuns`` if the lease of the name was renewed since the last look: then somebody is alive."""
        seen, self._seen_lease = self._seen_lease, (epoch, left_ms)
        if seen is not None and (seen[0] != epoch or left_ms > seen[1]):
            name = self._memory.name
            raise NodeRuns(f"node {name} runs already: give this one another name (cluster.node)")

    def _lost(self) -> StreamLost:
        return StreamLost(f"{self._address}: Redis was restarted or emptied, and the nodes have not agreed on it yet")

    def cannot_read(self, error: Exception) -> RedisUnreachable:
        """What to raise if what Redis has cannot be read."""
        keys = f"its keys {self._prefix}* are not as the nodes write them"
        return RedisUnreachable(f"{self._address}: {keys} ({error}): stop the nodes, remove these keys, start again")

    def _fenced(self) -> Fenced:
        return Fenced(f"the other nodes have gone on without {self.home or self._memory.name}: it has to join anew")

    def _trimmed(self, after: int) -> StreamTrimmed:
        return StreamTrimmed(f"{self._address}: what follows position {after} is not in the stream any more")
