"""The outbox: the lines of the tick under way, by reader, until the tick ends and they become bytes.

A line for one session is appended to the session's ``unread``. A line for a channel is appended once to the channel's
log. When the tick ends, each log is rendered and joined once for each variant, and all members without other lines are
sent the same bytes object.

Each line has a sequence number (``seq``). A session with lines of its own, or in several channels, reads its lines in
the order of the numbers. An event that reaches a session twice, directly and by a channel, has the same number both
times, and the session reads it once. The number of an event is its message id (``chat.stored.entries``): the history
has the event under it, if it has it at all, and clients see it as the msgid.

The time of an event is that of the tick, or a little later (``ConversationTimes``).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from chatroom.chat.delivery.channel_log import (
    ChannelLog,
    Lines,
    bytes_of_several,
    find_shared,
    lines_apart,
    merge_alike,
    put_at,
)
from chatroom.chat.delivery.conversation_times import ConversationTimes
from chatroom.chat.delivery.message_answers import MessageAnswers
from chatroom.chat.delivery.replay_queue import ReplayQueue, ReplayQueues
from chatroom.chat.events import Event
from chatroom.chat.stored.entries import IDS_PER_MS, first_message_id, next_message_id, time_ms_of
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.packing import split_text

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User

_BY_SEQ: Final = itemgetter(0)
_UNKNOWN_IDS: Final = first_message_id(3_600_000)
"""How many message ids a start leaves out if the clock is behind the last one that was stored: those of an hour.

The run before gave some to lines that were not stored. Nobody knows how many, and no later line may have one of them.
"""


class Outbox:
    """The lines of the tick under way. Guarded by the hub lock.

    Only the outbox changes what stands below it: the logs, the replay queues, and ``unread`` and ``settled_seq`` of the
    sessions.
    """

    __slots__ = (
        *("_apart", "_copies", "_sessions", "_writes"),
        *("answers", "closed", "logs", "replays", "seq", "times", "wall_ms"),
    )

    def __init__(self, wall_ms: int, last_message_id: int) -> None:
        """``wall_ms`` is the wall clock; ``last_message_id`` the highest of the run before, 0 if there is none."""
        self.wall_ms = wall_ms
        """The wall clock of this tick, in Unix milliseconds."""
        first = first_message_id(wall_ms)
        self.seq = first if first > last_message_id else last_message_id + _UNKNOWN_IDS
        """The last sequence number that was given out. Only the outbox changes it."""
        self.times = ConversationTimes(wall_ms, time_ms_of(last_message_id))
        self.logs: dict[Channel, ChannelLog] = {}
        """What this tick has said in channels, in the order in which they were first spoken to. No log is empty."""
        self.replays = ReplayQueues()
        self._sessions: list[Session] = []
        """The sessions with lines in ``unread``. Those lines may have been withdrawn or forgotten since."""
        self._writes: list[tuple[Session, bytes]] = []
        """What ``drain`` has made so far."""
        self._apart: list[tuple[Session, Lines]] = []
        """What ``drain_apart`` has made so far."""
        self._copies: dict[int, list[int]] = {}
        """By the number of a stored event: the numbers of its copies in this tick (``copy_to_session``)."""
        self.answers = MessageAnswers()
        self.closed: list[Session] = []
        """Sessions that ended in this tick. The hub closes their connections when their last lines are written."""

    # -- times and sequence numbers ---------------------------------------------------------------

    def go_on(self, seq: int, latest_ms: int) -> None:
        """Go on where another outbox has ended: behind its last number, and the latest time that it gave out.

        Unlike after a start, no number is unknown, so none is left out.
        """
        self.seq = seq
        self.times.go_on(latest_ms)

    def begin_tick(self, wall_ms: int) -> None:
        """Begin a tick at this time of the wall clock, in Unix milliseconds."""
        self.wall_ms = wall_ms
        first = wall_ms * IDS_PER_MS
        if first > self.seq:
            self.seq = first
        self.times.begin_tick(wall_ms)

    def event(self, source: str, body: str, user: User | None = None, conversation: Hashable = None) -> Event:
        """Make a numbered event. With ``user`` it carries the account and the bot flag of its author.

        ``conversation`` is where it is said, as for ``ConversationTimes``; None for an event that belongs to none.
        """
        event = Event(source, body)
        if user is not None:
            account = user.account
            if account is not None:
                event.account = account.name
            event.bot = user.bot
        event.time_ms = time_ms = self.wall_ms if conversation is None else self.times.take(conversation)
        # ``take_number`` without the call, because most events are numbered here.
        seq, first = self.seq + 1, time_ms * IDS_PER_MS
        self.seq = event.seq = first if first > seq else seq
        return event

    def take_number(self, time_ms: int = 0) -> int:
        """Return the next sequence number, for what happens at a time in Unix milliseconds: it is never behind that."""
        self.seq = next_message_id(self.seq, time_ms)
        return self.seq

    def notices(self, source: str, target: str, text: str) -> list[Event]:
        """Make the numbered NOTICEs that hold a text of any length. ``target`` is a nick or ``*``."""
        head = f"NOTICE {target} :"
        pieces = split_text(text, LINE_BYTES - len(f":{source} {head}".encode()))
        return [self.event(source, head + piece) for piece in pieces]

    def number(self, event: Event, conversations: Collection[Hashable] = ()) -> None:
        """Give an event the next sequence number and its time. An event of the history keeps the time it had.

        ``conversations`` are those where it is said, as for ``ConversationTimes``.
        """
        if not event.message_id:
            event.time_ms = self.times.take_latest(conversations) if conversations else self.wall_ms
        event.seq = self.take_number(event.time_ms)

    def reference(self) -> str:
        """Return a name for a batch that no other batch has."""
        self.seq += 1
        return f"b{self.seq:x}"

    # -- lines for one session --------------------------------------------------------------------

    def to_session(self, session: Session, line: bytes, seq: int = 0) -> None:
        """Add a line for one session. ``seq`` is the number of the line's event; a line without an event gets its own.

        One call may add several lines as one, if they are read together.
        """
        if not seq:
            self.seq = seq = self.seq + 1
        unread = session.unread
        if unread:
            unread.append((seq, line))
        else:
            session.unread = [(seq, line)]
            self._sessions.append(session)

    def event_to_session(self, session: Session, line: bytes, conversation: Hashable) -> int:
        """Add a rendered event of a conversation for its only reader. Return its time; its number is ``seq``."""
        time_ms = self.times.take(conversation)
        # ``take_number`` and ``to_session`` without the calls, because most direct messages come this way.
        seq, first = self.seq + 1, time_ms * IDS_PER_MS
        self.seq = seq = first if first > seq else seq
        if session.unread:
            session.unread.append((seq, line))
        else:
            session.unread = [(seq, line)]
            self._sessions.append(session)
        return time_ms

    def to_session_at(self, session: Session, line: bytes, seq: int) -> None:
        """Add a line for one session in the place of a message that was withdrawn: before what was said after it.

        A client may take the answer to a later line, such as a PONG, for the message's too.
        """
        if not session.unread:
            self.to_session(session, line, seq)
        else:
            session.unread = put_at(session.unread, line, seq)

    def copy_to_session(self, session: Session, line: bytes, event: Event) -> None:
        """Add an event for one session under a new number: it is read after what was said between event and copy.

        ``line`` is the event, rendered for the session.
        """
        self.to_session(session, line)
        # What is shown again from the history cannot be withdrawn.
        if not event.message_id:
            self.withdraw_with(event.seq)

    def withdraw_with(self, seq: int) -> None:
        """Have the last line withdrawn if the message with that number is."""
        self._copies.setdefault(seq, []).append(self.seq)

    # -- lines for a channel ----------------------------------------------------------------------

    def to_channel(
        self, channel: Channel, event: Event, skip: Session | None = None, channels: Iterable[Channel] = ()
    ) -> None:
        """Add a numbered event for every session in the channel except ``skip``.

        ``channels`` are all channels that the same event is for. If a session also gets the event directly, call
        ``to_session`` for it first: a replay queue leaves an event out that its session has.
        """
        log = self.logs.get(channel)
        if log is None:
            log = self.logs[channel] = ChannelLog(channel.sessions)
        log.lines.append((event.seq, event, skip))
        if skip is not None:
            log.skipped[skip] = event.seq
        if self.replays.by_channel:
            self.replays.add(channel, event, skip, channels)

    def withdraw(self, seqs: set[int]) -> None:
        """Take back messages of this tick that could not be stored. No session reads them or their copies."""
        for seq in list(seqs):  # a copy of the set, which grows by the numbers of the copies
            seqs.update(self._copies.get(seq, ()))
        for log in self.logs.values():
            log.withdraw(seqs)
        self.logs = {channel: log for channel, log in self.logs.items() if log.lines}
        self.replays.withdraw(seqs)
        for session in self._sessions:
            session.unread = [item for item in session.unread or () if item[0] not in seqs]

    def begin_replay(self, channel: Channel, session: Session) -> ReplayQueue:
        """Let the channel's further events wait for one of its sessions until ``end_replay``. Return their queue."""
        self.settle(session)
        channel.sessions.discard(session)
        return self.replays.open(channel, session)

    def end_replay(self, channel: Channel, session: Session) -> None:
        """Add the queued events for a session, which from now on reads the channel's log again."""
        queue = self.replays.close(channel, session)
        self.settle(session)
        for event in queue:
            line = event.render(session.variant)
            if line:
                # A copy, because the session reads it after the replay and not at the event's own number.
                self.copy_to_session(session, line, event)
        if not session.closing:
            channel.sessions.add(session)

    def drop_replay(self, channel: Channel, session: Session) -> None:
        """Drop the replay queue of a session that is no longer in the channel, if there is one."""
        self.replays.close(channel, session)

    # -- changes in the middle of a tick ----------------------------------------------------------

    def settle(self, session: Session) -> None:
        """Move what the session's channels have said so far in this tick into ``session.unread``.

        Call it before the session's channels or variant change: it reads what was said before the change in its old
        state, and what is said afterwards in its new one.
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
        """Drop all lines that the session has not read yet. Its connection is lost, so they could not be sent."""
        session.unread = None
        session.settled_seq = self.seq

    def _merge(self, session: Session, logs: list[ChannelLog]) -> None:
        """Move the session's unread lines of the logs into ``session.unread``, in the order of their numbers."""
        found = logs[0].unread(session)
        for log in logs[1:]:
            found += log.unread(session)
        if not found:
            return
        unread = session.unread
        if not unread:
            self._sessions.append(session)
            session.unread = unread = []
        # Who joins has mostly lines from before the log's only, and who leaves only later ones. ``max`` and not the
        # last line, because an event can be told under a number that is lower than that of the line before it.
        if len(logs) == 1 and (not unread or max(unread)[0] < found[0][0]):
            unread += found
        elif len(logs) == 1 and found[-1][0] < min(unread)[0]:
            unread[:0] = found
        else:
            lines = dict(found)
            for seq, _ in unread:
                lines.pop(seq, None)  # the event reached the session directly as well
            unread += lines.items()
            unread.sort(key=_BY_SEQ)

    # -- when the tick cannot be done -------------------------------------------------------------

    def find_hogs(self, most_bytes: int) -> list[Session]:
        """Return the sessions with more unread bytes than that."""
        # A generator: a list of all lengths would need memory when there is none.
        return [
            session
            for session in self._sessions
            if session.unread and sum(len(line) for _, line in session.unread) > most_bytes
        ]

    def abandon(self) -> list[tuple[Session, bytes]]:
        """End the tick without what is not made into bytes yet. Return what is."""
        writes, sessions = self._writes, self._sessions
        self._writes, self._apart, self._sessions, self.logs = [], [], [], {}
        self.forget_copies(self.seq)
        for session in sessions:
            self.forget(session)
        return writes

    # -- the end of the tick ----------------------------------------------------------------------

    def drain(self) -> list[tuple[Session, bytes]]:
        """End the tick. Return the bytes to send: one item for each session that reads anything.

        If it fails, for lack of memory, it may be called again when some sessions were told to ``forget`` their lines.
        """
        if self.logs:
            logs_writes: list[tuple[Session, bytes]] = []
            self._drain_logs(logs_writes)
            self._writes += logs_writes
            self.logs = {}
        writes = self._writes
        for session in self._sessions:
            unread = session.unread
            if not unread:
                continue  # withdrawn or forgotten
            blob = unread[0][1] if len(unread) == 1 else b"".join([line for _, line in unread])
            if blob:
                writes.append((session, blob))
            session.unread = None
        self._sessions, self._writes = [], []
        if self._copies:
            self.forget_copies(self.seq)
        return writes

    def drain_apart(self) -> list[tuple[Session, Lines]]:
        """Like ``drain``, but return the lines with their numbers, not joined: some may have to be taken out later.

        Sessions that read the same have the same list. Copies stay known until ``forget_copies``.
        """
        if self.logs:
            self._apart += lines_apart(self.logs.values(), self._merge)
            self.logs = {}
        apart = self._apart
        for session in self._sessions:
            if session.unread:
                apart.append((session, session.unread))
            session.unread = None
        self._sessions, self._apart = [], []
        return apart

    @property
    def copies(self) -> Mapping[int, Sequence[int]]:
        """By the number of an event: the numbers of its copies (``copy_to_session``)."""
        return self._copies

    def forget_copies(self, up_to: int) -> None:
        """Forget the copies of the lines with numbers up to this one, which are not withdrawn any more."""
        if self._copies:
            self._copies = {seq: copies for seq, copies in self._copies.items() if seq > up_to}
        self.answers.forget(up_to)

    def _drain_logs(self, writes: list[tuple[Session, bytes]]) -> None:
        logs: Collection[ChannelLog] = self.logs.values()
        shared: dict[Session, list[ChannelLog]] = {}
        if len(logs) > 1:
            logs = merge_alike(logs)
            shared = find_shared(logs)
        if shared:
            writes += bytes_of_several(shared, logs, self._merge)
        for log in logs:
            skipped = log.skipped
            start = log.lines[0][0]
            made: dict[int, tuple[bytes, list[tuple[Session | None, bytes]]]] = {}
            variant, blob = -1, b""  # of the session before, as those of most are the same
            runs: list[tuple[Session | None, bytes]] = []
            for session in log.sessions:
                # A session that has read part of the log, or has other lines, needs a merge; the loop over
                # ``_sessions`` in ``drain`` sends it. All others are sent the bytes of their variant.
                if session.settled_seq >= start or session.unread or (shared and session in shared):
                    if session not in shared:
                        self._merge(session, [log])
                    continue
                if session.variant != variant:
                    variant = session.variant
                    if variant not in made:
                        runs = log.runs(variant)
                        made[variant] = b"".join([run for _, run in runs]), runs
                    blob, runs = made[variant]
                own = blob if session not in skipped else b"".join([run for skip, run in runs if skip is not session])
                if own:
                    writes.append((session, own))
