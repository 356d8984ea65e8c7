"""The gate: lines that wait until what they tell is stored.

A tick hands its entries to a committer under a number, and goes on (``chatroom.chat.delivery.batches``). A session
waits for that number if it reads an entry of the tick or has said one. Until the number is settled it is sent nothing:
what later ticks tell it waits behind. So each session reads its lines in their order, and nobody is sent a PONG, or any
other answer, before what it said is stored. A session that does not wait is sent its lines at once.

Rendered lines wait apart from each other, not joined, because those of a refused message are taken out. They were
rendered in the tick in which they were said, so later changes of channels and capabilities do not concern them.

If a number takes far too long, its owner opens the gate to later ticks (``Gate.let_pass``): answers and refusals then
overtake what the number's own tick has told, which goes on waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.batches import TEXT_OVERHEAD
from chatroom.chat.delivery.channel_log import put_at

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Batch
    from chatroom.chat.delivery.channel_log import Lines
    from chatroom.chat.people.session import Session


class Released(NamedTuple):
    """What waited for a number."""

    writes: list[tuple[Session, bytes]]
    closed: list[Session]
    """Sessions that have ended, and have nothing to wait for any more."""
    tasks: list[Callable[[], None]]
    latest: int
    """The last sequence number of the number's tick."""


class Passed(NamedTuple):
    """What later ticks than a number's own have told, and put off."""

    writes: list[tuple[Session, bytes]]
    tasks: list[Callable[[], None]]


class _Record:
    """What waits for one number."""

    __slots__ = ("batch", "closed", "ends", "latest", "lines", "own", "own_tasks", "size", "sizes", "tasks")

    def __init__(self, batch: Batch, latest: int) -> None:
        self.batch = batch
        self.latest = latest
        self.size = sum([len(entry[8]) + TEXT_OVERHEAD for entry in batch.entries])
        """About how many bytes the messages have."""
        self.lines: dict[Session, list[Lines]] = {}
        """What each session reads: of the number's tick, and of later ones in which it waited for nothing else."""
        self.ends: dict[Session, int] = {}
        """For each sender, how many of its ``lines`` are of the number's own tick: one, or none."""
        self.own: set[Session] | None = None
        """Which sessions the number's own tick has told something, if all of it waits; else None."""
        self.own_tasks = 0
        """How many of the ``tasks`` are of that tick."""
        self.sizes: dict[Session, int] = {}
        self.closed: list[Session] = []
        self.tasks: list[Callable[[], None]] = []

    def withdraw(self, seqs: set[int]) -> None:
        """Take out the lines with these numbers."""
        known: dict[int, Lines] = {}
        for several in self.lines.values():
            for position, lines in enumerate(several):
                kept = known.get(id(lines))
                if kept is None:
                    is_free = seqs.isdisjoint([seq for seq, _ in lines])
                    kept = lines if is_free else [line for line in lines if line[0] not in seqs]
                    known[id(lines)] = kept
                several[position] = kept

    def take_later(self) -> Passed:
        """Take out what is not of the number's own tick."""
        assert self.own is not None
        blobs: dict[int, bytes] = {}
        writes = []
        for session, several in self.lines.items():
            first = session in self.own
            later = several[first:]
            if later:
                del several[first:]
                writes.append((session, b"".join([_join(lines, blobs) for lines in later])))
        tasks = self.tasks[self.own_tasks :]
        del self.tasks[self.own_tasks :]
        return Passed(writes, tasks)


class Gate:
    """What waits for the committer. Guarded by the hub lock."""

    __slots__ = ("_lowest", "_numbers", "_records", "_senders", "_sizes", "_waits", "lets_pass", "number", "size")

    def __init__(self) -> None:
        self.number = 0
        """The number of the last batch."""
        self.size = 0
        """About how many bytes the messages have that are not settled."""
        self._records: dict[int, _Record] = {}
        """By number, in order."""
        self._waits: dict[Session, int] = {}
        """The number that a session waits for: its next lines wait for it too, or for a later one."""
        self._sizes: dict[Session, int] = {}
        """How many bytes wait for each of these sessions."""
        self._numbers: dict[int, int] = {}
        """By the sequence number of a line: the number that must be settled before it may be read."""
        self._lowest = 0
        """The number that all lines of the tick under way wait for; 0 if only some wait."""
        self._senders: list[Session] = []
        """The senders of the messages of the tick under way."""
        self.lets_pass = False
        """True if later ticks' lines do not wait only because the session waits."""

    @property
    def is_waiting(self) -> bool:
        """True if anything waits."""
        return bool(self._records)

    def holds(self, session: Session) -> bool:
        """True if a session's next lines wait."""
        return session in self._waits and not self.lets_pass

    # -- the end of a tick ------------------------------------------------------------------------

    def add(self, batch: Batch, latest: int, *, events: bool) -> None:
        """Begin to wait for a batch, whose number is the next one. ``latest`` is the tick's last sequence number.

        A tick that renames a channel waits as a whole. Without ``events``, only messages wait: everything else is told
        even if it cannot be stored.
        """
        self.number = number = batch.number
        record = self._records[number] = _Record(batch, latest)
        self.size += record.size
        numbers = self._numbers
        if events:
            for entry in batch.entries:
                numbers[entry[0]] = number
            for row in batch.for_hooks:
                numbers[row.message_id] = number
            if batch.renamed:
                self._lowest = number
        for seq, session, _, _ in batch.messages:
            numbers[seq] = number
            if session is not None and self._waits.get(session) != number:
                self._waits[session] = number
                self._senders.append(session)

    def hold_tick(self) -> None:
        """Have all lines of the tick under way wait for the last number, whatever they tell."""
        self._lowest = self.number

    def let_pass(self) -> Passed:
        """From now on, until the last number is settled, let later ticks' lines pass it. Return what has waited so far.

        Only if nothing else waits, and the whole tick of that number does (``hold_tick``): else nothing passes.
        """
        record = self._records.get(self.number)
        if record is None or record.own is None or len(self._records) > 1:
            return Passed([], [])
        self.lets_pass = True
        passed = record.take_later()
        for session, data in passed.writes:
            record.sizes[session] -= len(data)
            self._sizes[session] -= len(data)
        return passed

    def put_off(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Have tasks wait for all that has a number now."""
        self._records[self.number].tasks += tasks

    def hold(
        self, drained: Sequence[tuple[Session, Lines]], copies: Mapping[int, Sequence[int]], most_bytes: int
    ) -> tuple[list[tuple[Session, bytes]], list[Session]]:
        """Take the lines of a tick. Return the writes for the sessions that need not wait.

        Also return the sessions for which more than ``most_bytes`` wait now. ``copies`` are those of the outbox: by the
        number of a line, those of its copies.
        """
        numbers, waits, sizes = self._numbers, self._waits, self._sizes
        before = {} if self.lets_pass else waits
        for seq, copied in copies.items():
            number = numbers.get(seq, 0)
            if number:
                numbers.update(dict.fromkeys(copied, number))
        lowest, self._lowest = self._lowest, 0
        direct: list[tuple[Session, bytes]] = []
        slow = []
        known: dict[int, tuple[int, int]] = {}
        blobs: dict[int, bytes] = {}
        for session, lines in drained:
            measured = known.get(id(lines))
            if measured is None:
                measured = known[id(lines)] = _measure(lines, numbers)
            number, size = measured
            if not size:
                continue  # events that the session's capabilities do not show
            number = max(number, lowest, before.get(session, 0))
            if not number:
                direct.append((session, _join(lines, blobs)))
                continue
            waits[session] = number
            record = self._records[number]
            record.lines.setdefault(session, []).append(lines)
            record.sizes[session] = record.sizes.get(session, 0) + size
            sizes[session] = waiting = sizes.get(session, 0) + size
            if waiting > most_bytes:
                slow.append(session)
        if lowest:
            record = self._records[lowest]
            record.own, record.own_tasks = set(record.lines), len(record.tasks)
        self._end_tick()
        return direct, slow

    def _end_tick(self) -> None:
        if self._senders:
            record = self._records[self.number]
            for session in self._senders:
                # Who has ended in this tick reads no refusal.
                if not session.closing:
                    record.ends[session] = len(record.lines.setdefault(session, []))
            self._senders = []

    def close_behind(self, closed: Sequence[Session]) -> list[Session]:
        """Have the ends of sessions wait behind their lines. Return the sessions that wait for nothing."""
        free = []
        for session in closed:
            number = self._waits.get(session, 0)
            if number:
                self._records[number].closed.append(session)
            else:
                free.append(session)
        return free

    # -- when a number is settled -----------------------------------------------------------------

    def refuse(self, number: int, refusal: Callable[[int, str, str], tuple[int, bytes]], seqs: set[int]) -> None:
        """Take out the lines of a number's messages, which are not stored. In their places the senders read why.

        ``seqs`` are the numbers of the messages and of all their copies. ``refusal`` makes the line for a sender, of a
        message's number, a verb and a target, and says the number of its place.
        """
        for record in self._records.values():
            record.withdraw(seqs)
        record = self._records[number]
        for seq, session, verb, target in record.batch.messages:
            if session is None or session not in record.ends:
                continue
            several = record.lines[session]
            if not record.ends[session]:
                several.insert(0, [])
                record.ends[session] = 1
            place, line = refusal(seq, verb, target)
            several[0] = put_at(several[0], line, place)

    def release(self, number: int) -> Released:
        """Take out what waited for a number: the lowest that is not settled."""
        assert number == next(iter(self._records)), "numbers are settled in their order"
        record = self._records[number]
        blobs: dict[int, bytes] = {}
        writes = []
        for session, several in record.lines.items():
            if len(several) == 1:
                blob = _join(several[0], blobs)
            else:
                blob = b"".join([_join(lines, blobs) for lines in several])
            if blob:
                writes.append((session, blob))
        del self._records[number]
        self.lets_pass = False
        if self._lowest == number:
            self._lowest = 0  # its tick has failed before it could hold anything
        self.size -= record.size
        sizes, waits = self._sizes, self._waits
        for session, size in record.sizes.items():
            sizes[session] -= size
            if not sizes[session]:
                del sizes[session]
        self._waits = {session: other for session, other in waits.items() if other != number}
        if self._records:
            self._numbers = {seq: other for seq, other in self._numbers.items() if other != number}
        else:
            self._numbers = {}
        return Released(writes, record.closed, record.tasks, record.latest)

    def find_closed(self) -> list[Session]:
        """The sessions that have ended and wait: for a gate that is given up with all that is in it."""
        return [session for record in self._records.values() for session in record.closed]

    def batch_of(self, number: int) -> Batch:
        """The batch with a number that is not settled."""
        return self._records[number].batch


def _measure(lines: Lines, numbers: Mapping[int, int]) -> tuple[int, int]:
    """Return the highest number that one of the lines waits for, 0 if none does, and how many bytes they have."""
    number = size = 0
    for seq, line in lines:
        size += len(line)
        other = numbers.get(seq, 0)
        if other > number:
            number = other
    return number, size


def _join(lines: Lines, blobs: dict[int, bytes]) -> bytes:
    """Join lines, once for all sessions that have the same list."""
    blob = blobs.get(id(lines))
    if blob is None:
        blob = blobs[id(lines)] = lines[0][1] if len(lines) == 1 else b"".join([line for _, line in lines])
    return blob
