"""Remember, then tell: what a tick says that must be in the history before anybody reads it.

A verb asks ``ready`` before it says something that is kept: the tick's transaction begins with the first such message.
If somebody else has the database's write lock, the verb waits and nothing was said; everything else goes on. At the
tick's end the hub commits (``commit_tick``) and only then are the bytes handed to the threads that send them. If the
disk refuses, the messages are taken out of what would have been sent, and their senders are told.

Guarded by the hub lock.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.stored.entries import Conversation, EntryFlag, EntryRow, Kind, join_parts, msgid_of, next_message_id
from chatroom.errors import StorageError

if TYPE_CHECKING:
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.config.settings import History


class NotWritten(NamedTuple):
    """A message that could not be kept, and so was not said."""

    session: Session
    verb: str
    target: str


class Renamed(NamedTuple):
    """A channel that has another name from here on, or is no more (an empty one)."""

    name: str
    new_name: str
    place: int
    """How many of the tick's entries come before that."""


# An attribute of an Enum class is slow to read, and its members are slow to write to the disk.
_PRIVMSG, _NOTICE, _BOT = int(Kind.PRIVMSG), int(Kind.NOTICE), int(EntryFlag.BOT)


class Ledger:
    """What the tick under way has to be committed. Without a journal nothing is kept."""

    __slots__ = (
        "_entries",
        "_is_busy",
        "_messages",
        "_renamed",
        "failure",
        "is_open",
        "journal",
        "kinds",
        "last_message_id",
        "writes_channels",
        "writes_direct",
    )

    def __init__(self, journal: Journal | None = None, settings: History | None = None) -> None:
        self.journal = journal
        self.is_open = False
        """Whether this tick's transaction has begun."""
        self.failure = ""
        """Why the last commit failed; empty while all is well."""
        self.last_message_id = journal.last_message_id() if journal is not None else 0
        """The number of what was kept last."""
        self.kinds: frozenset[Kind] = frozenset()
        """What is kept of what happens in channels."""
        self.writes_channels = self.writes_direct = False
        """Whether messages to channels are kept, and those between accounts."""
        if settings is not None:
            self.use_settings(settings)
        self._is_busy = False
        """Whether somebody else had the write lock when this tick asked for it: it does not ask for each line."""
        self._entries: list[EntryRow] = []
        self._renamed: list[Renamed] = []
        """What became of channels, in the order in which it happened."""
        self._messages: list[tuple[int, Session, str, str]] = []
        """Of each message its event's number, and what an ``NotWritten`` has."""

    def use_settings(self, settings: History) -> None:
        """Keep what the settings say from now on."""
        wanted = (
            (settings.messages, (Kind.PRIVMSG, Kind.NOTICE)),
            (settings.topics, (Kind.TOPIC,)),
            (settings.joins, (Kind.JOIN, Kind.PART, Kind.QUIT)),
            (settings.kicks, (Kind.KICK,)),
            (settings.modes, (Kind.MODE,)),
        )
        self.kinds = frozenset(kind for is_wanted, kinds in wanted if is_wanted for kind in kinds)
        self.writes_channels = self.journal is not None and settings.messages
        self.writes_direct = self.journal is not None and settings.direct_messages

    def ready(self) -> bool:
        """Whether something can be kept in this tick. Raises ``StorageError`` where the disk says no at once."""
        if not self.is_open and not self._is_busy:
            if self.journal is None:
                return False
            try:
                self.is_open = self.journal.begin()
            except StorageError as error:
                self.failure = str(error)
                raise
            self._is_busy = not self.is_open
        return self.is_open

    def is_ready(self) -> bool:
        """As ``ready``; where the disk says no, that is for whoever asks next."""
        try:
            return self.ready()
        except StorageError:
            return False

    def add_message(
        self, event: Event, verb: str, conversation: Conversation, target: str, text: str, by: tuple[User, Session]
    ) -> None:
        """Keep a message that is about to be said. Only where ``ready``; gives the event its lasting id."""
        assert self.is_open, "it would be read before it is kept"
        user, session = by
        if event.parts is not None:
            text = join_parts(event.parts)
        self._add(event, _NOTICE if verb == "NOTICE" else _PRIVMSG, conversation, target, text, user)
        self._messages.append((event.seq, session, verb, target))

    def add_line(
        self, seq: int, time_ms: int, user: User, session: Session, conversation: Conversation, target: str, text: str
    ) -> int:
        """As ``add_message``, for what most are: a PRIVMSG of one line without tags. Its number in the history.

        ``seq`` is the number under which the outbox has it.
        """
        assert self.is_open, "it would be read before it is kept"
        self.last_message_id = number = next_message_id(self.last_message_id, time_ms)
        account = user.account
        self._entries.append(
            (
                number,
                time_ms,
                conversation,
                _PRIVMSG,
                user.prefix,
                None if account is None else account.id,
                "" if account is None else account.name,
                target,
                text,
                "",
                _BOT if user.bot else 0,
            )
        )
        self._messages.append((seq, session, "PRIVMSG", target))
        return number

    def add_event(self, event: Event, kind: Kind, channel: Channel, text: str, user: User | None) -> None:
        """Keep something that happened in a channel, if its kind is kept; it is told in any case.

        Where somebody else has the write lock, it is written in the next tick that gets it.
        """
        if kind not in self.kinds or self.journal is None:
            return
        with contextlib.suppress(StorageError):
            self.ready()
        channel.has_history = True
        self._add(event, int(kind), channel.name, channel.name, text, user)

    def end_channel(self, channel: Channel) -> None:
        """The channel is no more: a later one of that name has nothing to do with what was said in it."""
        if channel.has_history:
            self._record_rename(channel.name, "")

    def rename_channel(self, name: str, new_name: str) -> None:
        """A channel has another name from here on; what was said in it goes with it."""
        self._record_rename(name, new_name)

    def _record_rename(self, name: str, new_name: str) -> None:
        """Have the journal told of a channel: in this tick, or in the next one that is ready."""
        if self.journal is None:
            return
        self._renamed.append(Renamed(name, new_name, len(self._entries)))
        with contextlib.suppress(StorageError):
            self.ready()

    def _add(
        self, event: Event, kind: int, conversation: Conversation, target: str, text: str, user: User | None
    ) -> None:
        stamp = event.stamp
        assert stamp is not None
        self.last_message_id = number = next_message_id(self.last_message_id, stamp.time_ms)
        event.stored_msgid = event.stored_msgid or msgid_of(number)  # a QUIT is kept in several channels and told once
        account = user.account if user is not None else None
        self._entries.append(
            (
                number,
                stamp.time_ms,
                conversation,
                kind,
                event.source,
                account.id if account is not None else None,
                account.name if account is not None else "",
                target,
                text,
                event.client_tags,
                _BOT if event.bot else 0,
            )
        )

    def catch_up(self) -> None:
        """Take the write lock, if it is to be had, for what an earlier tick could not write. At a tick's end."""
        self._is_busy = False
        if (self._entries or self._renamed) and not self.is_open:
            with contextlib.suppress(StorageError):
                self.ready()
            self._is_busy = False

    def commit_tick(self, outbox: Outbox) -> list[NotWritten]:
        """Commit; the messages that could not be kept, which ``outbox`` then does not hold any more."""
        journal, entries, renamed, messages = self.journal, self._entries, self._renamed, self._messages
        if not self.is_open or journal is None:
            return []
        self.is_open = False
        self._entries, self._renamed, self._messages = [], [], []
        try:
            if entries or renamed:
                _write(journal, entries, renamed)
                journal.commit()
            else:
                journal.rollback()
        except StorageError as error:
            self.failure = str(error)
            outbox.withdraw({message[0] for message in messages})
            return [NotWritten(*message[1:]) for message in messages]
        self.failure = ""
        return []


def _write(journal: Journal, entries: list[EntryRow], renamed: list[Renamed]) -> None:
    done = 0
    for name, new_name, place in renamed:
        if place > done:
            journal.write(entries[done:place])
            done = place
        if new_name:
            journal.rename_channel(name, new_name)
        else:
            journal.end_channel(name)
    if done < len(entries):
        journal.write(entries[done:] if done else entries)
