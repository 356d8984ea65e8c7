"""The outbox of a node: what is said becomes records besides, for the sessions of the other nodes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.cluster.turn_records import event_to_record
from chatroom.chat.delivery.monitors import MonitorLists
from chatroom.chat.delivery.outbox import Outbox

if TYPE_CHECKING:
    from chatroom.chat.cluster.leaving_runtime import LeavingRuntime
    from chatroom.chat.cluster.recorder import Recorder
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.delivery.replay_queue import ReplayQueue
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User


class ClusterOutbox(Outbox):
    """An outbox that keeps no lines for shadows, and records what it is given for them. Guarded by the hub lock."""

    __slots__ = ("_leaving", "_recorder", "has_numbered")

    def __init__(self, wall_ms: int, last_message_id: int, recorder: Recorder, leaving: LeavingRuntime) -> None:
        super().__init__(wall_ms, last_message_id)
        self._recorder = recorder
        self._leaving = leaving
        self.has_numbered = False
        """True if this turn has numbered an event. No other event may have its msgid, even if nobody reads this one."""

    def event(self, source: str, body: str, user: User | None = None, conversation: Hashable = None) -> Event:
        """As ``Outbox``."""
        self.has_numbered = True
        return super().event(source, body, user, conversation)

    def take_number(self, time_ms: int = 0) -> int:
        """As ``Outbox``."""
        self.has_numbered = True
        return super().take_number(time_ms)

    def to_session(self, session: Session, line: bytes, seq: int = 0) -> None:
        """As ``Outbox``; for a shadow the line is recorded."""
        if isinstance(session, Shadow):
            self._record(session, line, seq, seq)
        else:
            super().to_session(session, line, seq)

    def event_to_session(self, session: Session, line: bytes, conversation: Hashable) -> int:
        """As ``Outbox``."""
        time_ms = self.times.take(conversation)
        self.to_session(session, line, self.take_number(time_ms))
        return time_ms

    def to_session_at(self, session: Session, line: bytes, seq: int) -> None:
        """As ``Outbox``. A shadow reads it behind what it was told since."""
        if isinstance(session, Shadow):
            self._record(session, line, 0, 0)
        else:
            super().to_session_at(session, line, seq)

    def copy_to_session(self, session: Session, line: bytes, event: Event) -> None:
        """As ``Outbox``; a shadow's copy is withdrawn with the event."""
        if isinstance(session, Shadow):
            self._record(session, line, 0, 0 if event.message_id else event.seq)
        else:
            super().copy_to_session(session, line, event)

    def _record(self, shadow: Shadow, line: bytes, seq: int, carried: int) -> None:
        if not seq:
            self.seq = seq = self.seq + 1
        if line and not shadow.closing:
            self._recorder.add(["line", shadow.id, seq, line.decode("utf-8", "surrogateescape")], carried)

    def to_channel(
        self, channel: Channel, event: Event, skip: Session | None = None, channels: Iterable[Channel] = ()
    ) -> None:
        """As ``Outbox``, and recorded."""
        if not self._recorder.is_quiet:
            record: Record = ["say", channel.folded, self.event_item(event, channels)]
            if isinstance(skip, Shadow):
                record.append(skip.id)
            self._recorder.add(record, event.seq)
        if not self._leaving.is_leaving:  # all of this node's sessions end: they do not read of each other
            super().to_channel(channel, event, skip, channels)

    def event_item(self, event: Event, channels: Iterable[Channel] = ()) -> Record | int:
        """Return an event for a record, with all channels that it is for, or its number if the record before has it.

        Who is in fifty channels quits once.
        """
        if event is self._recorder.last_event:
            return event.seq
        self._recorder.last_event = event
        return event_to_record(event, [channel.folded for channel in channels])

    def withdraw(self, seqs: set[int]) -> None:
        """As ``Outbox``. The records that carry the messages are taken out, too."""
        super().withdraw(seqs)
        self._recorder.withdraw(seqs)

    def begin_replay(self, channel: Channel, session: Session) -> ReplayQueue:
        """As ``Outbox``. Only for this node's own sessions."""
        assert not isinstance(session, Shadow), "its home shows it what it missed"
        return super().begin_replay(channel, session)


class ClusterMonitors(MonitorLists):
    """The nicks that this node's sessions watch. It also records what the sessions of other nodes are to read."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def tell_online(self, outbox: Outbox, server: str, user: User) -> None:
        """As ``MonitorLists``, and recorded."""
        self._recorder.add(["online", user.folded, user.prefix])
        super().tell_online(outbox, server, user)

    def tell_prefix(self, outbox: Outbox, server: str, folded: str, prefix: str) -> None:
        """Tell the watchers of a nick that a user has it now, as another node has told its own."""
        self._tell(outbox, folded, f":{server} 730", prefix)

    def tell_offline(self, outbox: Outbox, server: str, nick: str) -> None:
        """As ``MonitorLists``, and recorded."""
        self._recorder.add(["offline", nick])
        super().tell_offline(outbox, server, nick)

    def tell_change(self, outbox: Outbox, user: User, event: Event) -> None:
        """As ``MonitorLists``, and recorded."""
        if not self._recorder.is_quiet:
            assert isinstance(outbox, ClusterOutbox)
            self._recorder.add(["seen", user.folded, outbox.event_item(event, user.channels)])
        super().tell_change(outbox, user, event)
