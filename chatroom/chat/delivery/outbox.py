"""What a tick has said and to whom, until it becomes bytes.

A line for one session goes to that session's entries. A line for a channel goes to the channel's log *once*; when the
tick ends, each variant of the log is joined once and the same bytes object serves every member that had nothing else
to read. Everything said has a number (``seq``), so a member with lines of its own, or in several channels, gets them
merged in the order in which they were said; an event that reached a session by two ways has
one number and is read once.

Guarded by the hub lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING

from chatroom.chat.delivery.channel_log import ChannelLog, find_shared
from chatroom.chat.delivery.replay_queue import ReplayQueue, ReplayQueues
from chatroom.chat.events import Event, Stamp
from chatroom.chat.people.labelled_reply import Batch, LabelledReply, Reply
from chatroom.irc.framing import encode
from chatroom.irc.message import escape

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User

_BY_SEQ = itemgetter(0)


class Outbox:
    """The lines of the tick under way."""

    __slots__ = ("_copies", "_sessions", "closed", "logs", "replays", "seq", "stamp")

    def __init__(self, stamp: Stamp) -> None:
        self.seq = 0
        """The last sequence number that was given out. Only the outbox changes it."""
        self.stamp = stamp
        """The stamp of the events of this tick."""
        self.logs: dict[Channel, ChannelLog] = {}
        """What this tick has said in channels, in the order in which they were first spoken to. No log is empty."""
        self.replays = ReplayQueues()
        self._sessions: list[Session] = []
        """The sessions with lines in ``unread``, and some that had such lines."""
        self._copies: dict[int, list[int]] = {}
        """Events of the history, by their number, that were said again under numbers of their own."""
        self.closed: list[Session] = []
        """Sessions whose connection is to be closed once their last lines are written."""

    # -- sequence numbers -------------------------------------------------------------------------

    def event(self, source: str, body: str, user: User | None = None) -> Event:
        """Make a numbered event. With ``user`` it carries the account and the bot flag of its author."""
        event = Event(source, body)
        if user is not None:
            account = user.account
            if account is not None:
                event.account = account.name
            event.bot = user.bot
        self.seq = event.seq = self.seq + 1
        event.stamp = self.stamp
        return event

    def number(self, event: Event) -> None:
        """Give an event the next sequence number, and the tick's stamp unless it has one.

        An event of the history keeps the stamp of the time it happened.
        """
        self.seq = event.seq = self.seq + 1
        if event.stamp is None:
            event.stamp = self.stamp

    def reference(self) -> str:
        """Return a name for a batch that no other batch has."""
        self.seq += 1
        return f"b{self.seq:x}"

    # -- saying things ----------------------------------------------------------------------------

    def to_session(self, session: Session, line: bytes, seq: int = 0) -> None:
        """Say a rendered line to one session; ``seq`` is given where the line is an event's."""
        if not seq:
            self.seq = seq = self.seq + 1
        unread = session.unread
        if unread:
            unread.append((seq, line))
        else:
            session.unread = [(seq, line)]
            self._sessions.append(session)

    def copy_to_session(self, session: Session, line: bytes, event: Event) -> None:
        """Say an event, rendered with tags of its own, at this place in what one session is answered."""
        self.to_session(session, line)
        if event.stored_msgid:
            self._copies.setdefault(event.seq, []).append(self.seq)

    def send_reply(self, session: Session, reply: Reply, server: str, tags: str = "", closing_tags: str = "") -> None:
        """Say one reply to a session, with further tags on its line or, for a batch, on the line that opens it.

        ``server`` is the source of the lines that open and close a batch. ``closing_tags`` are those of the line that
        closes it: the reference of the outer batch, if there is one.
        """
        if isinstance(reply, str):
            self.to_session(session, encode(f"@{tags} {reply}" if tags else reply))
        elif isinstance(reply, Event):
            self.copy_to_session(session, reply.render_with(session.variant, tags), reply)
        else:
            inside = f"batch={reply.reference}"
            self.send_reply(session, f":{server} BATCH +{reply.reference} {reply.kind}", server, tags)
            for each in reply.replies:
                self.send_reply(session, each, server, inside, inside)
            self.send_reply(session, f":{server} BATCH -{reply.reference}", server, closing_tags)

    def send_labelled(self, session: Session, labelled: LabelledReply, server: str) -> None:
        """Say the whole reply to a labelled command (IRCv3 labeled-response).

        The label is on exactly one logical message: on an ACK if there is no reply, on the reply if there is one, and
        on a batch if there are several.
        """
        variant = session.variant
        # An event that the client did not negotiate renders to nothing: it must not count as the one reply.
        replies = [reply for reply in labelled.replies if not isinstance(reply, Event) or not reply.needs & ~variant]
        label = f"label={escape(labelled.label)}"
        if not replies:
            self.send_reply(session, f":{server} ACK", server, label)
        elif len(replies) == 1:
            self.send_reply(session, replies[0], server, label)
        else:
            batch = Batch(self.reference(), "labeled-response")
            batch.replies = replies
            self.send_reply(session, batch, server, label)

    def to_channel(
        self, channel: Channel, event: Event, skip: Session | None = None, channels: Iterable[Channel] = ()
    ) -> None:
        """Say a numbered event to every session in the channel but ``skip``.

        ``channels`` are all channels that the same event is said to. A session that reads the event on its own account
        as well must be told first (``to_session``): then its replay queue leaves the event out.
        """
        log = self.logs.get(channel)
        if log is None:
            log = self.logs[channel] = ChannelLog(channel)
        log.lines.append((event.seq, event, skip))
        if skip is not None:
            log.skipped.add(skip)
        if self.replays.by_channel:
            self.replays.add(channel, event, skip, channels)

    def withdraw(self, seqs: set[int]) -> None:
        """Take back events of this tick, in every place where they wait to be read."""
        for seq in list(seqs):
            seqs.update(self._copies.get(seq, ()))
        for log in self.logs.values():
            log.withdraw(seqs)
        self.logs = {channel: log for channel, log in self.logs.items() if log.lines}
        self.replays.withdraw(seqs)
        for session in self._sessions:
            session.unread = [entry for entry in session.unread or () if entry[0] not in seqs]

    def begin_replay(self, channel: Channel, session: Session) -> ReplayQueue:
        """Let what a channel says wait for one of its sessions until ``end_replay``. Return the queue."""
        self.settle(session)
        channel.sessions.discard(session)
        return self.replays.open(channel, session)

    def end_replay(self, channel: Channel, session: Session) -> None:
        """Say to a session what waited for it; from now on it reads the channel's log again."""
        queue = self.replays.close(channel, session)
        self.settle(session)
        for event in queue:
            line = event.render(session.variant)
            if line:
                self.copy_to_session(session, line, event)  # with a new number: the event's own is long past
        if not session.closing:
            channel.sessions.add(session)

    def drop_replay(self, channel: Channel, session: Session) -> None:
        """Forget what waits for a session that is no longer in the channel."""
        self.replays.close(channel, session)

    def settle(self, session: Session) -> None:
        """Give ``session`` what its channels have said so far in this tick.

        Call it before the session's channels or its variant change in the middle of a tick: what was said before is
        read in the old state, and what is said afterwards in the new one.
        """
        if self.logs and session.user is not None:
            settled, logs = session.settled_seq, []
            for channel in session.user.channels:
                log = self.logs.get(channel)
                if log is not None and log.lines[-1][0] > settled and session in channel.sessions:
                    logs.append(log)
            if logs:
                self._merge(session, logs)
        session.settled_seq = self.seq

    def forget(self, session: Session) -> None:
        """Drop what ``session`` has to read, in its channels too: its connection is lost."""
        session.unread = None
        session.settled_seq = self.seq

    def _merge(self, session: Session, logs: list[ChannelLog]) -> None:
        """Move the session's unread lines of some logs into ``session.unread``, in the order of their numbers."""
        found = logs[0].unread(session)
        for log in logs[1:]:
            found += log.unread(session)
        if not found:
            return
        unread = session.unread
        if not unread:
            self._sessions.append(session)
            session.unread = unread = []
        if len(logs) == 1 and (not unread or max(unread)[0] < found[0][0]):
            unread += found  # needs no sorting: most sessions that come and go have only replies from before
            return
        lines = dict(found)
        for seq, _ in unread:
            lines.pop(seq, None)  # the event reached the session directly as well
        unread += lines.items()
        unread.sort(key=_BY_SEQ)

    def drain(self) -> list[tuple[Session, bytes]]:
        """End the tick. Return the bytes to send, one item for each session that has any."""
        writes: list[tuple[Session, bytes]] = []
        if self.logs:
            self._drain_logs(writes)
        for session in self._sessions:
            unread = session.unread
            if not unread:
                continue  # it was withdrawn, or forgotten
            blob = unread[0][1] if len(unread) == 1 else b"".join([line for _, line in unread])
            session.unread = None
            if blob:
                writes.append((session, blob))
        self._sessions = []
        if self._copies:
            self._copies = {}
        return writes

    def _drain_logs(self, writes: list[tuple[Session, bytes]]) -> None:
        logs = self.logs
        shared = find_shared(logs.values()) if len(logs) > 1 else {}
        if shared:
            self._drain_shared(shared, writes)
        for log in logs.values():
            skipped = log.skipped
            start = log.lines[0][0]
            blobs: dict[int, bytes] = {}
            runs: dict[int, list[tuple[Session | None, bytes]]] = {}
            for session in log.channel.sessions:
                if session.settled_seq >= start or session.unread or session in shared:
                    if session not in shared:
                        self._merge(session, [log])
                    continue
                variant = session.variant
                blob = blobs.get(variant)
                if blob is None:
                    runs[variant] = log.runs(variant)
                    blob = blobs[variant] = b"".join([run for _, run in runs[variant]])
                if session in skipped:
                    blob = b"".join([run for skip, run in runs[variant] if skip is not session])
                if blob:
                    writes.append((session, blob))
        self.logs = {}

    def _drain_shared(self, shared: dict[Session, list[ChannelLog]], writes: list[tuple[Session, bytes]]) -> None:
        """Drain for sessions that read several logs. Sessions of the same logs share the bytes if they can."""
        first = min([log.lines[0][0] for log in self.logs.values()])
        skipped: set[Session] = set().union(*[log.skipped for log in self.logs.values()])
        blobs: dict[tuple[int, tuple[ChannelLog, ...]], bytes] = {}
        for session, logs in shared.items():
            if session.settled_seq >= first or session.unread or session in skipped:
                self._merge(session, logs)
                continue
            key = session.variant, tuple(logs)
            blob = blobs.get(key)
            if blob is None:
                lines = dict([entry for log in logs for entry in log.unread(session)])
                blob = blobs[key] = b"".join([lines[seq] for seq in sorted(lines)])
            if blob:
                writes.append((session, blob))
