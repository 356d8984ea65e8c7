"""The channel log: the events that one tick says to one channel, and which sessions read which of them.

An event is appended once, whatever the number of members. When the tick ends, the log is rendered once for each
variant, and all sessions of a variant share the bytes. The outbox makes a log when a channel is first spoken to in a
tick, and drops it when the tick ends. Only the outbox changes it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.session import Session

Lines = list[tuple[int, bytes]]
"""Lines with their sequence numbers. Sessions that read the same may have the same list: it must not change."""

_BY_SEQ: Final = itemgetter(0)
_BY_SKIP: Final = itemgetter(2)
_FEW_LINES: Final = 8
"""A log with more lines says what no other log says."""


class ChannelLog:
    """What the tick under way has said in a channel. Guarded by the hub lock."""

    __slots__ = ("_rendered", "lines", "sessions", "skipped")

    def __init__(self, sessions: set[Session]) -> None:
        self.sessions = sessions
        """The sessions that read the log: the channel's own set, which changes with it."""
        self.lines: list[tuple[int, Event, Session | None]] = []
        """Sequence number, event, and the session that does not read it; in the order of the numbers."""
        self.skipped: dict[Session, int] = {}
        """The sessions that do not read some line of the log, each with the number of the last one."""
        self._rendered: dict[int, Lines] | None = None
        """By variant: sequence number and bytes of the first lines. ``unread`` adds the lines that a session asks for.

        None until then: most logs are read as a whole when the tick ends (``runs``).
        """

    def unread(self, session: Session) -> Lines:
        """Return the lines after ``session.settled_seq`` that the session reads, as sequence numbers and bytes.

        Each line is rendered once for a variant, however many sessions come and go during the tick: all of them take
        the end of the same list.
        """
        lines, variant = self.lines, session.variant
        if self._rendered is None:
            self._rendered = {}
        rendered = self._rendered.setdefault(variant, [])
        if len(rendered) < len(lines):
            rendered += [(seq, event.render(variant)) for seq, event, _ in lines[len(rendered) :]]
        settled = session.settled_seq
        start = bisect_right(lines, settled, key=_BY_SEQ)
        skipped = self.skipped.get(session, 0)
        if skipped <= settled:
            return rendered[start:]
        # Behind the last line that it does not read, it reads all: mostly it has come with that one.
        end = bisect_right(lines, skipped, start, key=_BY_SEQ)
        some = zip(rendered[start:end], lines[start:end], strict=True)
        return [item for item, line in some if line[2] is not session] + rendered[end:]

    def runs(self, variant: int) -> list[tuple[Session | None, bytes]]:
        """Return the bytes of the whole log, cut where the skipped session changes: (skipped session, bytes).

        Joined, the runs are what most members read. A speaker reads the same runs without its own.
        """
        lines = self.lines
        if len(lines) == 1:  # what most ticks say to a channel; grouping would cost more than the rendering
            _, event, skip = lines[0]
            return [(skip, event.render(variant))]
        return [
            (skip, b"".join([event.render(variant) for _, event, _ in run])) for skip, run in groupby(lines, _BY_SKIP)
        ]

    def withdraw(self, seqs: set[int]) -> None:
        """Take out the lines with these sequence numbers."""
        self.lines = [line for line in self.lines if line[0] not in seqs]
        self._rendered = None


def merge_alike(logs: Collection[ChannelLog]) -> Collection[ChannelLog]:
    """Make one log of those that say the same, as what a user of many channels does is said in all of them.

    Without that, each of thousands of common members would be looked at once for each channel.
    """
    alike: dict[Hashable, list[ChannelLog]] = {}
    for log in logs:
        says: Hashable = log if len(log.lines) > _FEW_LINES else tuple([(seq, skip) for seq, _, skip in log.lines])
        alike.setdefault(says, []).append(log)
    return logs if len(alike) == len(logs) else [_merged(same) for same in alike.values()]


def _merged(logs: list[ChannelLog]) -> ChannelLog:
    if len(logs) == 1:
        return logs[0]
    sessions: set[Session] = set()
    merged = ChannelLog(sessions.union(*[log.sessions for log in logs]))
    merged.lines, merged.skipped = logs[0].lines, logs[0].skipped
    return merged


def find_shared(logs: Collection[ChannelLog]) -> dict[Session, list[ChannelLog]]:
    """Return the sessions that read several of the logs, each with those logs."""
    members: set[Session] = set()
    total = sum([len(log.sessions) for log in logs])
    if len(members.union(*[log.sessions for log in logs])) == total:
        return {}  # counting is much quicker than the walk below, and most channels share no member
    shared: dict[Session, list[ChannelLog]] = {}
    seen: dict[Session, ChannelLog] = {}
    for log in logs:
        for session in log.sessions:
            first = seen.setdefault(session, log)
            if first is not log:
                shared.setdefault(session, [first]).append(log)
    return shared


def bytes_of_several(
    shared: Mapping[Session, list[ChannelLog]],
    logs: Collection[ChannelLog],
    merge: Callable[[Session, list[ChannelLog]], None],
) -> list[tuple[Session, bytes]]:
    """Return the bytes for the sessions that read several of the logs, each of which ``shared`` gives with its logs.

    Sessions of the same logs and variant have the same bytes. ``merge`` takes the others, as in ``lines_apart``.
    """
    first = min([log.lines[0][0] for log in logs])
    skipped: set[Session] = set().union(*[log.skipped for log in logs])
    blobs: dict[tuple[int, tuple[ChannelLog, ...]], bytes] = {}
    writes = []
    for session, several in shared.items():
        if session.settled_seq >= first or session.unread or session in skipped:
            merge(session, several)
            continue
        key = session.variant, tuple(several)
        blob = blobs.get(key)
        if blob is None:
            lines = dict([item for log in several for item in log.unread(session)])
            blob = blobs[key] = b"".join([lines[seq] for seq in sorted(lines)])
        if blob:
            writes.append((session, blob))
    return writes


def lines_apart(
    logs: Collection[ChannelLog], merge: Callable[[Session, list[ChannelLog]], None]
) -> list[tuple[Session, Lines]]:
    """Return what each session reads of the logs, as lines. Those that read the same have the same list.

    ``merge`` takes the sessions that have read a part, or have other lines, with the logs that they read.
    """
    logs = merge_alike(logs)
    first = min([log.lines[0][0] for log in logs])
    skipped: set[Session] = set().union(*[log.skipped for log in logs])
    readers: dict[Session, list[ChannelLog]] = find_shared(logs) if len(logs) > 1 else {}
    for log in logs:
        alone = [log]
        for session in log.sessions:
            readers.setdefault(session, alone)
    known: dict[tuple[int, tuple[ChannelLog, ...]], Lines] = {}
    apart = []
    for session, several in readers.items():
        if session.settled_seq >= first or session.unread or session in skipped:
            merge(session, several)
            continue
        key = session.variant, tuple(several)
        lines = known.get(key)
        if lines is None:
            lines = [item for log in several for item in log.unread(session) if item[1]]
            if len(several) > 1:
                lines = sorted(dict(lines).items())  # several logs may say the same event
            known[key] = lines
        if lines:
            apart.append((session, lines))
    return apart


def put_at(lines: Lines, line: bytes, seq: int) -> Lines:
    """Return the lines with one more, behind those with lower numbers."""
    place = next((place for place, (other, _) in enumerate(lines) if other > seq), len(lines))
    return [*lines[:place], (seq, line), *lines[place:]]
