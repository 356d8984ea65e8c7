"""The Protocols of the stores for history. ``chatroom.storage`` implements them.

Each is for another kind of thread: the tick writes (``Journal``; of a node, ``NodeJournal``), workers read
(``HistoryStore``), and the upkeep thread indexes and deletes (``HistoryUpkeep``).

A docstring here is the contract of every implementation. Times are Unix milliseconds. Every method may raise
``StorageError``. Its subclass ``DatabaseBusy`` means that another connection held the write lock for too long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from chatroom.chat.stored.entries import Bound, Conversation, Entry, EntryRow, IndexLag, LastSaid, LogTrim, Search
from chatroom.chat.stored.hook_records import HookEventRow
from chatroom.chat.stored.kept_turns import KeptTurn
from chatroom.chat.stored.records import Actor


class Journal(Protocol):
    """The only writer of history in the daemon.

    A transaction is ``begin``, then any number of ``write``, ``end_channel``, ``rename_channel`` and
    ``add_hook_events``, which take effect in the order of the calls, then ``commit`` or ``rollback``. If any of them
    raises ``StorageError``, the transaction is rolled back and the next one starts with ``begin``.

    One thread uses it at a time, not always the same one. No method waits for another connection, because the tick
    calls it under the hub lock. If the daemon has a journal thread (``chatroom.server.journal_thread``), that thread
    alone calls it from the first transaction on; then a method may wait for a disk or a network, but within some
    seconds it must return or raise ``StorageError``. A committed transaction survives a crash of the daemon, and with
    ``history.synchronous = "full"`` also a power cut.

    The caller gives out message ids, which go up, from ``last_message_id`` on.
    """

    def last_message_id(self) -> int:
        """The highest message id ever written, also if its entry was deleted since; 0 if there is none.

        Only without a transaction.
        """
        ...

    def open_channels(self) -> list[str]:
        """The casefolded names of the channels whose conversations have not ended. Call it before any transaction."""
        ...

    def begin(self) -> bool:
        """Begin a transaction. Returns False, at once, if another connection has the write lock: try again later."""
        ...

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries, whose message ids go up. Only in a transaction.

        Raises ``StorageError`` if a message id is taken or is lower than ``first_message_id`` of the entry's time.
        """
        ...

    def end_channel(self, name: str) -> None:
        """End the channel's conversation: a later channel of that name has another one. Only in a transaction.

        Does nothing if nothing was written for the channel.
        """
        ...

    def rename_channel(self, name: str, new_name: str) -> None:
        """Give the channel's conversation, with all its entries, another name. Only in a transaction.

        A conversation that had ``new_name`` before belonged to another channel, and is ended.
        """
        ...

    def add_hook_events(self, rows: Sequence[HookEventRow]) -> None:
        """Have events wait for their hooks, as ``HookStore.add_events`` does. Only in a transaction."""
        ...

    def commit(self) -> None:
        """Make the transaction permanent.

        If the answer of a server is lost, it may be permanent though this raises ``StorageError``: ``is_made`` tells
        then. After a lost connection ``begin`` makes another.
        """
        ...

    def mark(self, number: int) -> None:
        """Leave a number in a transaction, by which ``is_made`` finds it until there is another. In a transaction."""
        ...

    def is_made(self, entries: Sequence[int], mark: int = 0) -> bool:
        """True if a transaction was made that has some entries, given their message ids, or else that mark."""
        ...

    @property
    def connection_number(self) -> int:
        """The number of this journal's connections to a server, by which a later journal ends them; 0 for a file."""
        ...

    def end_connection(self, number: int) -> None:
        """End what a journal of an earlier run may still have under way, and wait for it. In a transaction."""
        ...

    def take_back(self, messages: Sequence[int]) -> None:
        """Delete messages, given their message ids, of which nobody knew if they were stored. In a transaction."""
        ...

    def rollback(self) -> None:
        """Discard the transaction. Does nothing without one. Never raises ``StorageError``."""
        ...

    def close(self) -> None:
        """Close the connection and discard what was not committed. Idempotent."""
        ...


class NodeJournal(Journal, Protocol):
    """The journal of a node, which commits only in the turns that it has.

    ``begin`` raises ``Fenced`` if a later turn was claimed: what is not committed by then never will be. An event (not
    a message) is left out if an entry with a higher message id was committed before its transaction.
    """

    def use_turn(self, turn: int, home: str = "") -> None:
        """Have the transactions that follow be those of a turn. ``home`` is that of the node which has it."""
        ...

    def next_turn(self) -> int:
        """A turn that is later than all that have ever committed, for who gives them out anew. Not in a transaction."""
        ...

    def claim(self, turn: int) -> None:
        """Let no earlier turn commit any more, and have the transactions that follow be those of this one.

        A commit under way is waited for, but its connection is ended if it takes longer than a second. Not in a
        transaction. Raises ``Fenced`` if a later turn was claimed, and ``DatabaseBusy`` after ten seconds.
        """
        ...

    def untold(self, above: int, most: int = 1000) -> list[Entry]:
        """The entries with a message id above that one, in order; ``most`` of them at a time. Not in a transaction.

        With ``above`` the last message id that was told, after ``claim``: what the holder of the turn before has
        committed and told nobody. The next message id must be above theirs.
        """
        ...

    def keep_turn(self, kept: KeptTurn) -> None:
        """Keep what the turn changes, instead of what was kept before. In a transaction."""
        ...

    def find_kept(self, after_id: int) -> KeptTurn | None:
        """What a turn has changed that began after that message id, if that was kept. Not in a transaction."""
        ...


class HistoryStore(Protocol):
    """Reads the history, and deletes single entries. The caller decides what a user may read.

    A conversation by a channel's name is that of the present channel, not of an ended one. An unknown conversation has
    no entries. Answers are oldest first. Entries at a bound are not part of an answer, except in ``around``. ``events``
    includes joins, topics and so on; without it there are only messages and notices. ``above`` leaves out what has a
    message id up to that, and ``up_to`` what has a higher one, unless it is None. ``also`` are further conversations to
    read as one with the first. ``limit`` is at least 1. Each answer shows the history at one moment. A store belongs to
    the thread that opened it.

    An answer without a bound, or whose bounds are times, does not end within a millisecond, so that the next question
    can begin at the time of its last entry. It then has more than ``limit`` entries, by up to a thousand.
    """

    def latest(
        self,
        conversation: Conversation,
        limit: int,
        *,
        after: Bound | None = None,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The newest ``limit`` entries after ``after``; None means no bound."""
        ...

    def before(
        self,
        conversation: Conversation,
        bound: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The newest ``limit`` entries before ``bound``."""
        ...

    def after(
        self,
        conversation: Conversation,
        bound: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The oldest ``limit`` entries after ``bound``."""
        ...

    def around(
        self,
        conversation: Conversation,
        bound: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """Up to ``limit`` entries around ``bound``: half from before it, half from the bound on.

        If one half has fewer entries, the other one gets its room. An odd one out goes to the later half.
        """
        ...

    def between(
        self,
        conversation: Conversation,
        start: Bound,
        end: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The ``limit`` entries between the bounds that are nearest to ``start``. ``end`` may be the earlier bound."""
        ...

    def direct_since(self, account_id: int, after: Bound, limit: int, *, up_to: int | None = None) -> list[Entry]:
        """The newest ``limit`` direct messages to or from an account, after ``after``, in the order of message ids.

        ``up_to`` is the highest message id to include; None means no bound.
        """
        ...

    def targets(
        self,
        channels: Iterable[str],
        account_id: int | None,
        start_ms: int,
        end_ms: int,
        limit: int,
        *,
        up_to: int | None = None,
    ) -> list[LastSaid]:
        """The conversations whose last message lies between two times, among ``channels`` and an account's direct ones.

        The times themselves do not count. The answer is sorted by the last message. If there are more than ``limit``,
        it has those nearest to ``start_ms``, which may be the later time, with all of the last one's millisecond.
        Without an account: only channels. ``up_to`` is as in ``direct_since``: what is behind it was not said yet.
        """
        ...

    def has(self, conversation: Conversation) -> bool:
        """True if anything was ever written for the conversation."""
        ...

    def find(self, message_id: int) -> Entry | None:
        """The entry with that message id, or None."""
        ...

    def search(self, search: Search) -> list[Entry]:
        """The messages that match, including those that are not indexed yet, in the order of message ids.

        Raises ``InvalidValue`` if the search has neither a word, nor a sender, nor a conversation; if its text has no
        letter or digit; or if it has too many words.
        """
        ...

    def redact(self, message_id: int, by: Actor, reason: str = "") -> Entry:
        """Delete one entry and return it. Raises ``NotFound``. Audit: ``history.redact``, without the text.

        No query finds the entry afterwards. Its bytes leave the files when ``HistoryUpkeep.scrub_some`` runs.
        """
        ...


class HistoryUpkeep(Protocol):
    """Background work on the history, in steps. A step holds the write lock for 50 ms at most, so the tick can write.

    It belongs to the thread that opened it. After ``DatabaseBusy``, try the step again later.
    """

    def index_some(self, most: int = 500, *, least: int = 1) -> bool:
        """Index up to ``most`` entries, if at least ``least`` are waiting. Returns True if there may be more to do.

        Queries are right without the index. Each entry that waits makes them slower by some microseconds.
        """
        ...

    def measure_lag(self) -> IndexLag:
        """Count the entries written since the last call, and those that wait to be indexed.

        The cost depends on the first number only, so it may be called often.
        """
        ...

    def prune_some(self, *, before_ms: int | None = None, most_bytes: int | None = None) -> int:
        """Delete some of the oldest entries if they are too old or the database is too large. Returns how many.

        Too old means a time before ``before_ms``; too large, more than ``most_bytes`` without free room. None means no
        bound. Repeat until it returns 0. Deleted entries leave room only after ``scrub_some``, so by size it returns 0
        as well until that is done.
        """
        ...

    def drop_ended(self, before_ms: int) -> bool:
        """Delete some of what was said in channels that ended before that time. Returns True if there is more to do."""
        ...

    def forget_turns(self) -> bool:
        """Forget some of the turns that are so long ago that no node can still write what is of an earlier one.

        Returns True if there may be more to do. It goes through the whole table, so call it about once an hour.
        """
        ...

    def scrub_some(self) -> bool:
        """Remove some deleted text from the files and give free room back. Returns True if there is more to do."""
        ...

    def trim_log(self) -> LogTrim:
        """Keep the write-ahead log short. Call it about once a second.

        A database that does so by itself returns ``LogTrim(0, 0.0, True)``.
        """
        ...

    def close(self) -> None:
        """Close the connections. Idempotent."""
        ...
