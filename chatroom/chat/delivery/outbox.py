"""What a tick has said and to whom, until it becomes bytes.

A line for one session goes to that session's entries. A line for a channel goes to the channel's log *once*; when the
tick ends, each variant of the log is joined once and the same bytes object serves every member that had nothing else
to read. Everything said has a number (``seq``), so a member with lines of its own, or in several channels, gets them
merged in the order in which they were said; an event that reached a session by two ways has
one number and is read once.

Guarded by the hub lock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from chatroom.chat.events import Event, Stamp

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session

_BY_SEQ = itemgetter(0)
_BY_SKIP = itemgetter(2)


def _is_first_way(session: Session, channel: Channel, also: Iterable[Channel]) -> bool:
    """Whether it is by this channel, of several that an event is said to, that a session held back reads of it."""
    for other in also:
        if session in other.sessions:
            return False
        if session in other.held:
            return other is channel
    return True


def _was_told(session: Session, event: Event) -> bool:
    """Whether the event is the last that a session was told, for itself and not by a channel."""
    entries = session.entries
    return bool(entries and entries[-1][0] == event.seq)


def _overlap(channels: list[Channel]) -> bool:
    """Whether a session is in more than one of the channels."""
    everybody: set[Session] = set()
    return len(everybody.union(*[channel.sessions for channel in channels])) < sum(
        [len(channel.sessions) for channel in channels]
    )


def _in_several(channels: list[Channel]) -> dict[Session, list[Channel]]:
    """Who is in more than one of the channels, and in which."""
    several: dict[Session, list[Channel]] = {}
    seen: dict[Session, Channel] = {}
    for channel in channels:
        for session in channel.sessions:
            first = seen.setdefault(session, channel)
            if first is not channel:
                several.setdefault(session, [first]).append(channel)
    return several


def _runs(log: list[tuple[int, Event, Session | None]], variant: int) -> list[tuple[Session | None, bytes]]:
    """What was said to a channel, as bytes: together what one after the other all but the same session read."""
    return [(skip, b"".join([event.render(variant) for _, event, _ in run])) for skip, run in groupby(log, _BY_SKIP)]


def _unread(channel: Channel, session: Session) -> list[tuple[int, bytes]]:
    """What a channel has said in this tick that a session has yet to read, with its numbers.

    A log is rendered once a variant however many come and go in a tick: each of them takes the end of the same list.
    """
    log, variant = channel.log, session.variant
    said = channel.said.setdefault(variant, [])
    if len(said) < len(log):
        said += [(seq, event.render(variant)) for seq, event, _ in log[len(said) :]]
    start = bisect_right(log, session.mark, key=_BY_SEQ)
    if session not in channel.skips:
        return said[start:]
    return [entry for entry, item in zip(said[start:], log[start:], strict=True) if item[2] is not session]


class Outbox:
    """The lines of the tick under way."""

    __slots__ = ("_channels", "_copies", "_sessions", "closed", "seq", "stamp")

    def __init__(self, stamp: Stamp) -> None:
        self.seq = 0
        self.stamp = stamp
        self._channels: list[Channel] = []
        self._sessions: list[Session] = []
        self._copies: dict[int, list[int]] = {}
        """Events of the history, by their number, that were said again under numbers of their own."""
        self.closed: list[Session] = []
        """Sessions whose connection is to be closed once their last lines are written."""

    def number(self, event: Event) -> None:
        """Give an event its place in the order of things said, and its time."""
        self.seq += 1
        event.seq = self.seq
        event.stamp = self.stamp

    def to_session(self, session: Session, line: bytes, seq: int = 0) -> None:
        """Say a rendered line to one session; ``seq`` is given where the line is an event's."""
        if not seq:
            self.seq = seq = self.seq + 1
        entries = session.entries
        if entries:
            entries.append((seq, line))
        else:
            session.entries = [(seq, line)]
            self._sessions.append(session)

    def copy_to_session(self, session: Session, line: bytes, event: Event) -> None:
        """Say an event, rendered with tags of its own, at this place in what one session is answered."""
        self.to_session(session, line)
        if event.stored_msgid:
            self._copies.setdefault(event.seq, []).append(self.seq)

    def to_channel(
        self, channel: Channel, event: Event, skip: Session | None = None, also: Iterable[Channel] = ()
    ) -> None:
        """Say an event (already numbered) to every session in the channel but ``skip``.

        ``also`` are all the channels that the same event is said to. Who is to read it for themselves, too, is told so
        before: it does not wait for them then.
        """
        log = channel.log
        if not log:
            self._channels.append(channel)
        log.append((event.seq, event, skip))
        if skip is not None:
            channel.skips.add(skip)
        for session, waiting in channel.held.items():
            if session is not skip and not _was_told(session, event) and _is_first_way(session, channel, also):
                waiting.append(event)

    def withdraw(self, seqs: set[int]) -> None:
        """Unsay some events of this tick, wherever they wait to be read."""
        for seq in list(seqs):
            seqs.update(self._copies.get(seq, ()))
        for channel in self._channels:
            channel.log = [item for item in channel.log if item[0] not in seqs]
            channel.said = {}
            for waiting in channel.held.values():
                waiting[:] = [event for event in waiting if event.seq not in seqs]
            if not channel.log:
                channel.skips = set()
        self._channels = [channel for channel in self._channels if channel.log]
        for session in self._sessions:
            session.entries = [entry for entry in session.entries or () if entry[0] not in seqs]

    def settle(self, session: Session) -> None:
        """Fix what ``session`` has read of its channels so far.

        Called before the set of its channels, or its variant, changes in the middle of a tick: what was said before
        belongs to the old state, what comes after to the new one.
        """
        if self._channels and session.user is not None:
            mark = session.mark
            channels = [
                channel
                for channel in session.user.channels
                if channel.log and channel.log[-1][0] > mark and session in channel.sessions
            ]
            if channels:
                self._merge(session, channels)
        session.mark = self.seq

    def forget(self, session: Session) -> None:
        """Drop what ``session`` has yet to read, of its channels too: its peer is gone and reads nothing any more."""
        session.entries = None
        session.mark = self.seq

    def _merge(self, session: Session, channels: list[Channel]) -> None:
        unread = _unread(channels[0], session)
        for channel in channels[1:]:
            unread += _unread(channel, session)
        if not unread:
            return
        entries = session.entries
        if not entries:
            self._sessions.append(session)
            session.entries = entries = []
        if len(channels) == 1 and (not entries or max(entries)[0] < unread[0][0]):
            entries += unread  # most who come and go have only answers that came before
            return
        lines = dict(unread)
        for seq, _ in entries:
            lines.pop(seq, None)
        entries += lines.items()
        entries.sort(key=_BY_SEQ)

    def drain(self) -> list[tuple[Session, bytes]]:
        """End the tick: the bytes for each session that has any, one item a session."""
        writes: list[tuple[Session, bytes]] = []
        if self._channels:
            self._drain_channels(writes)
        for session in self._sessions:
            entries = session.entries
            if not entries:
                continue  # it was withdrawn, or forgotten
            blob = entries[0][1] if len(entries) == 1 else b"".join([line for _, line in entries])
            session.entries = None
            if blob:
                writes.append((session, blob))
        self._sessions = []
        if self._copies:
            self._copies = {}
        return writes

    def _drain_overlap(self, several: dict[Session, list[Channel]], writes: list[tuple[Session, bytes]]) -> None:
        """Those in several channels: who are in the same ones, and have nothing else to read, share the bytes too."""
        first = min([channel.log[0][0] for channel in self._channels])
        skips: set[Session] = set().union(*[channel.skips for channel in self._channels])
        blobs: dict[tuple[int, tuple[Channel, ...]], bytes] = {}
        for session, channels in several.items():
            if session.mark >= first or session.entries or session in skips:
                self._merge(session, channels)
                continue
            key = session.variant, tuple(channels)
            blob = blobs.get(key)
            if blob is None:
                lines = dict([entry for channel in channels for entry in _unread(channel, session)])
                blob = blobs[key] = b"".join([lines[seq] for seq in sorted(lines)])
            if blob:
                writes.append((session, blob))

    def _drain_channels(self, writes: list[tuple[Session, bytes]]) -> None:
        channels = self._channels
        several = _in_several(channels) if len(channels) > 1 and _overlap(channels) else {}
        if several:
            self._drain_overlap(several, writes)
        for channel in channels:
            log, skips = channel.log, channel.skips
            start = log[0][0]
            blobs: dict[int, bytes] = {}
            runs: dict[int, list[tuple[Session | None, bytes]]] = {}
            for session in channel.sessions:
                if session.mark >= start or session.entries or session in several:
                    if session not in several:
                        self._merge(session, [channel])
                    continue
                variant = session.variant
                blob = blobs.get(variant)
                if blob is None:
                    runs[variant] = _runs(log, variant)
                    blob = blobs[variant] = b"".join([run for _, run in runs[variant]])
                if session in skips:
                    blob = b"".join([run for skip, run in runs[variant] if skip is not session])
                if blob:
                    writes.append((session, blob))
        for channel in channels:
            channel.log = []
            if channel.said:
                channel.said = {}
            if channel.skips:
                channel.skips = set()
        self._channels = []
