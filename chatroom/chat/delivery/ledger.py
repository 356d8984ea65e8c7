"""The ledger: the entries that the tick under way writes to the history before any session reads the messages.

1. A verb calls ``ready`` before it says a message that is stored. The first call of a tick begins the transaction. If
   another connection has the database's write lock, the verb waits and has said nothing; other verbs go on.
2. The verb adds the entry (``add_message``, ``add_line``), then says the message.
3. When the tick ends, the hub commits (``commit_tick``) before any thread gets the bytes to send. If the commit fails,
   the messages are withdrawn from the outbox, and their senders read that they were not sent.

Joins, kicks and other events (``add_event``) are said even if they cannot be stored at once.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.hook_queue import HookQueue
from chatroom.chat.stored.entries import Conversation, EntryFlag, EntryRow, Kind, join_parts
from chatroom.compiled_modules import mypyc_attr
from chatroom.errors import StorageError
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.config.chatting import History

MOST_HELD = 10_000
"""The most entries of events that wait while the disk refuses to write. With more, all of them are given up."""


class NotWritten(NamedTuple):
    """A message that could not be stored, and therefore was not said."""

    seq: int
    """The sequence number under which the outbox had it."""
    session: Session | None
    """None if a hook has sent it."""
    verb: str
    target: str


class Renamed(NamedTuple):
    """A channel that was renamed or that ended."""

    name: str
    new_name: str
    """Empty if the channel ended."""
    position: int
    """How many entries of the tick were added before."""


# An attribute of an Enum class is slow to read, and its members are slow to write to the disk.
_PRIVMSG = int(Kind.PRIVMSG)
_KINDS = {kind.name: int(kind) for kind in (Kind.PRIVMSG, Kind.NOTICE, Kind.TAGMSG)}
_BOT, _RELAYED = int(EntryFlag.BOT), int(EntryFlag.RELAYED)


@mypyc_attr(allow_interpreted_subclasses=True)
class Ledger:
    """What the tick under way has to commit. Without a journal nothing is stored. Guarded by the hub lock."""

    __slots__ = (
        "_entries",
        "_from_before",
        "_is_busy",
        "_messages",
        "_renamed",
        "failure",
        "hooks",
        "is_open",
        "journal",
        "kinds",
        "last_message_id",
        "told_failure",
        "writes_channels",
        "writes_direct",
    )

    def __init__(self, journal: Journal | None = None, settings: History | None = None) -> None:
        self.journal = journal
        self.is_open = False
        """True if this tick's transaction has begun."""
        self.failure = ""
        """Why the last transaction failed; empty if it did not."""
        self.told_failure = ""
        """The failure that the operator was told of last; empty if none lasts."""
        self.last_message_id = journal.last_message_id() if journal is not None else 0
        """The highest message id that was given out before this run; 0 if there is none."""
        self._from_before = set(journal.open_channels()) if journal is not None else set[str]()
        """The casefolded names of the channels whose conversations were open at the start."""
        self.kinds: frozenset[Kind] = frozenset()
        """The kinds of events that are stored."""
        self.hooks = HookQueue()
        """The outgoing hooks. Their events are stored with the entries, whatever the settings store of those."""
        self.writes_channels = self.writes_direct = False
        """True if messages to channels are stored, and if messages between accounts are."""
        if settings is not None:
            self.use_settings(settings)
        self._is_busy = False
        """True if another connection had the write lock when this tick asked. A tick asks once, not for each line."""
        self._entries: list[EntryRow] = []
        """The entries to write, those of earlier ticks that got no lock first."""
        self._renamed: list[Renamed] = []
        """The channels that were renamed or ended, in order."""
        self._messages: list[tuple[int, Session | None, str, str]] = []
        """For each message the values of a ``NotWritten``."""

    def use_settings(self, settings: History) -> None:
        """Store from now on what the settings say."""
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

    @property
    def is_behind(self) -> bool:
        """True if entries or new names of channels wait for the write lock: what the database has is not all yet.

        False if the disk refuses to write, because that may last.
        """
        return not self.is_open and not self.failure and bool(self._entries or self._renamed)

    @property
    def is_at_rest(self) -> bool:
        """True if no transaction has begun and nothing waits to be written."""
        return not (self.is_open or self._entries or self._renamed or self.hooks.rows)

    def ready(self) -> bool:
        """Begin this tick's transaction, unless it has begun. False if nothing can be stored in this tick.

        Raises ``StorageError`` if the database refuses for another reason than a taken lock.
        """
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
        """Like ``ready``, but returns False instead of raising ``StorageError``."""
        try:
            return self.ready()
        except StorageError:
            return False

    def add_message(
        self,
        event: Event,
        verb: str,
        conversation: Conversation,
        target: str,
        text: str,
        by: tuple[User, Session],
        client_tags: str | None = None,
    ) -> None:
        """Add the entry of a message that is about to be said. Only after ``ready``.

        ``by`` are the sender and its session. ``target`` is the name that the readers see. ``client_tags`` are those
        to store, if they are not all of the event's.
        """
        assert self.is_open, "it would be read before it is stored"
        user, session = by
        if event.parts is not None:
            text = join_parts(event.parts)
        self._add(event, _KINDS[verb], conversation, target, text, user, client_tags=client_tags)
        self._await_storing(event, session, verb, target)

    def add_relayed(self, event: Event, channel_name: str, text: str, session: Session, client_tags: str) -> None:
        """Add the entry of a message to a channel that a session relays. Like ``add_message``, without an account."""
        assert self.is_open, "it would be read before it is stored"
        if event.parts is not None:
            text = join_parts(event.parts)
        self._add(event, _PRIVMSG, channel_name, channel_name, text, None, _RELAYED, client_tags)
        self._await_storing(event, session, "RELAYMSG", channel_name)

    def _await_storing(self, event: Event, session: Session, verb: str, target: str) -> None:
        self._messages.append((event.seq, session, verb, target))
        if session.labelled_reply is not None:
            session.labelled_reply.stored.append(event.seq)

    def add_hooked(self, event: Event, channel_name: str, text: str) -> None:
        """Add the entry of a message that an incoming hook says in a channel. Like ``add_message``, without a user."""
        assert self.is_open, "it would be read before it is stored"
        if event.parts is not None:
            text = join_parts(event.parts)
        self._add(event, _PRIVMSG, channel_name, channel_name, text, None)
        self._messages.append((event.seq, None, "PRIVMSG", channel_name))

    def add_line(
        self, seq: int, time_ms: int, user: User, session: Session, conversation: Conversation, target: str, text: str
    ) -> None:
        """Add the entry of a plain message, a PRIVMSG of one line without tags.

        The same as ``add_message`` in fewer steps, because most messages are plain. ``seq`` is the sequence number
        under which the outbox has the message.
        """
        assert self.is_open, "it would be read before it is stored"
        account = user.account
        self._entries.append(
            (
                seq,
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

    def add_event(
        self, event: Event, kind: Kind, channel: Channel, text: str, user: User | None, message_id: int = 0
    ) -> None:
        """Add the entry of an event in a channel, if the settings want its kind. ``user`` is its author, if any.

        The event is said in any case. If the lock is taken, the entry is written in the next tick that gets it. If it
        is said in several channels, each entry but the first needs a ``message_id`` of its own.
        """
        if self.hooks.by_channel:
            self.hooks.add_event(channel, event, kind, text)
        if kind not in self.kinds or self.journal is None:
            return
        # Without the lock, or with a disk that refuses, the entry stays in ``_entries`` for a later tick.
        with contextlib.suppress(StorageError):
            self.ready()
        channel.has_history = True
        self._add(event, int(kind), channel.name, channel.name, text, user, message_id=message_id)

    def end_channel(self, channel: Channel) -> None:
        """End a channel's conversation: a later channel of the name does not show its history."""
        if channel.has_history:
            self._record_rename(channel.name, "")

    def end_earlier(self, name: str) -> None:
        """End the conversation of an earlier channel of that name, if the run before was killed with it open."""
        folded = casefold(name)
        if folded in self._from_before:
            self._from_before.discard(folded)
            self._record_rename(name, "")

    def note_earlier(self, name: str) -> None:
        """Have ``end_earlier`` end the conversation of that name: no channel of this world has it."""
        self._from_before.add(casefold(name))

    def rename_channel(self, name: str, new_name: str) -> None:
        """Give a channel's conversation another name, with its whole history. Its hooks follow."""
        self.hooks.rename_channel(name, new_name)
        self._record_rename(name, new_name)

    def _record_rename(self, name: str, new_name: str) -> None:
        if self.journal is None:
            return
        self._renamed.append(Renamed(name, new_name, len(self._entries)))
        with contextlib.suppress(StorageError):
            self.ready()

    def _add(
        self,
        event: Event,
        kind: int,
        conversation: Conversation,
        target: str,
        text: str,
        user: User | None,
        flags: int = 0,
        client_tags: str | None = None,
        message_id: int = 0,
    ) -> None:
        account = user.account if user is not None else None
        self._entries.append(
            (
                message_id or event.seq,
                event.time_ms,
                conversation,
                kind,
                event.source,
                account.id if account is not None else None,
                account.name if account is not None else "",
                target,
                text,
                event.client_tags if client_tags is None else client_tags,
                _BOT if event.bot else flags,
            )
        )

    def catch_up(self) -> None:
        """Ask again for the lock if there is something to write. The hub calls it when a tick ends."""
        self._is_busy = False
        if (self._entries or self._renamed or self.hooks.rows) and not self.is_open:
            with contextlib.suppress(StorageError):
                self.ready()
            self._is_busy = False
            if self.failure and len(self._entries) + len(self.hooks.rows) > MOST_HELD:
                self._drop_entries()

    def _drop_entries(self) -> None:
        """Give up the entries of events that the disk does not take, and the events for hooks."""
        self._entries = []
        self.hooks.take()
        # The channels have their new names, or have ended, so the next transaction begins with these.
        self._renamed = [each._replace(position=0) for each in self._renamed]

    def abandon(self) -> None:
        """Drop what this tick has said, because nobody will read it. Channels keep their new names."""
        if self.is_open and self.journal is not None:
            self.is_open = False
            self.journal.rollback()
            self._messages = []
            self._drop_entries()

    def commit_tick(self, outbox: Outbox) -> list[NotWritten]:
        """Commit this tick's transaction. If that fails, withdraw its messages from the outbox and return them."""
        journal, entries, renamed, messages = self.journal, self._entries, self._renamed, self._messages
        if not self.is_open or journal is None:
            return []
        self.is_open = False
        self._entries, self._renamed, self._messages = [], [], []
        for_hooks = self.hooks.take() if self.hooks.rows else None
        try:
            if entries or renamed or for_hooks:
                write_entries(journal, entries, renamed)
                if for_hooks:
                    journal.add_hook_events(for_hooks)
                journal.commit()
            else:
                journal.rollback()  # a verb asked for the lock and then wrote nothing, as for a refused message
        except Exception as error:
            if isinstance(error, StorageError):
                self.failure = str(error)
            else:
                # The journal knows nothing of it: left open, the transaction would be in the way of every later one.
                journal.rollback()
                self.failure = f"{type(error).__name__} {error}".rstrip()
            self._renamed = renamed
            self._drop_entries()
            outbox.withdraw({message[0] for message in messages})
            return [NotWritten(*message) for message in messages]
        self.failure = ""
        return []


def write_entries(journal: Journal, entries: list[EntryRow], renamed: list[Renamed]) -> None:
    """Write entries, and the new names and ends of channels at their places among them, into a transaction."""
    done = 0
    for name, new_name, position in renamed:
        if position > done:
            # Entries name their channel, so those from before a rename must be written before it.
            journal.write(entries[done:position])
            done = position
        if new_name:
            journal.rename_channel(name, new_name)
        else:
            journal.end_channel(name)
    if done < len(entries):
        journal.write(entries[done:] if done else entries)  # no copy of the list in most ticks, which rename nothing
