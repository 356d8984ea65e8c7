"""What is needed of the disk for history, as Protocols; ``chatroom.storage`` implements them on SQLite.

Three parts, for three kinds of thread: the daemon's tick writes (``Journal``), workers read (``HistoryStore``), and the
background keeps house (``HistoryUpkeep``). All may raise ``StorageError``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from chatroom.chat.stored.entries import Backlog, Bound, Conversation, Entry, EntryRow, LastSaid, LogTrim, Search
from chatroom.chat.stored.records import Actor


class Journal(Protocol):
    """The one writer of history: ``begin``, ``write`` any number of times, ``commit`` or ``rollback``.

    One connection, used by one thread at a time, whichever that is: the daemon's tick uses it under the hub lock. It
    never waits for anybody. Commits survive the process; with ``synchronous = "full"`` a power cut, too.

    Every message id is from ``next_message_id``, beginning with ``last_message_id``. ``write`` refuses an entry whose
    id is lower than its time asks for, or is taken. After any ``StorageError`` nothing of the transaction is kept, and
    the next ``begin`` starts over.
    """

    def last_message_id(self) -> int:
        """The highest number that was ever written; ask once, before the first entry."""
        ...

    def begin(self) -> bool:
        """Take the write lock. False where somebody else has it: try again later. Raises ``StorageError``."""
        ...

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries, in the order of their numbers. Raises ``StorageError`` (a full disk): rolled back then."""
        ...

    def end_channel(self, name: str) -> None:
        """The channel is no more: what was said in it is not part of a later channel of that name. Within ``begin``.

        Takes effect from the next entry on. Raises ``StorageError``: rolled back then.
        """
        ...

    def rename_channel(self, name: str, new_name: str) -> None:
        """The channel has another name from the next entry on, and all of its history with it. Within ``begin``.

        Raises ``StorageError``: rolled back then.
        """
        ...

    def commit(self) -> None:
        """Keep what was written. Raises ``StorageError``: rolled back then."""
        ...

    def rollback(self) -> None:
        """Give up what was written. Idempotent."""
        ...

    def set_synchronous(self, full: bool) -> None:
        """Whether a commit waits for the disk; not within ``begin``."""
        ...

    def close(self) -> None:
        """Close the connection; what was not committed is given up. Idempotent."""
        ...


class HistoryStore(Protocol):
    """Reading history, and taking out of it. Who may read what is for the caller to know.

    Answers are oldest first. ``events`` asks for joins, topics and so on beside the messages. A ``limit`` is at least
    1. A channel is the present one of that name. A bound itself is never part of an answer, but ``around``'s.
    """

    def latest(
        self,
        conversation: Conversation,
        limit: int,
        *,
        after: Bound | None = None,
        up_to: int | None = None,
        events: bool = False,
    ) -> list[Entry]:
        """The newest entries, as far as they are after ``after`` and their number is at most ``up_to``."""
        ...

    def before(self, conversation: Conversation, bound: Bound, limit: int, *, events: bool = False) -> list[Entry]:
        """The newest entries before ``bound``."""
        ...

    def after(self, conversation: Conversation, bound: Bound, limit: int, *, events: bool = False) -> list[Entry]:
        """The oldest entries after ``bound``."""
        ...

    def around(self, conversation: Conversation, bound: Bound, limit: int, *, events: bool = False) -> list[Entry]:
        """Entries before ``bound``, at it, and after it, as many of either side as there are and ``limit`` allows."""
        ...

    def between(
        self, conversation: Conversation, start: Bound, end: Bound, limit: int, *, events: bool = False
    ) -> list[Entry]:
        """The first entries on the way from ``start`` to ``end``, which may be the earlier one."""
        ...

    def direct_since(self, account_id: int, after: Bound, limit: int, *, up_to: int | None = None) -> list[Entry]:
        """The newest messages of all of an account's direct conversations, by either side, after ``after``."""
        ...

    def targets(
        self, channels: Iterable[str], account_id: int | None, start_ms: int, end_ms: int, limit: int
    ) -> list[LastSaid]:
        """Of these channels and the account's direct conversations, those last written to between the two moments.

        By that moment, oldest first; neither moment is part of it. Where there are more, the first ones on the way
        from ``start_ms`` to ``end_ms``, which may be the earlier one.
        """
        ...

    def find(self, number: int) -> Entry | None:
        """The entry with that number."""
        ...

    def search(self, search: Search) -> list[Entry]:
        """The messages that are looked for. Raises ``InvalidValue`` where there is no word to look for."""
        ...

    def redact(self, number: int, by: Actor, reason: str = "") -> Entry:
        """Take one entry out, with an audit row (without its text). Raises ``NotFound``.

        No query finds it any more; its bytes leave the files as ``HistoryUpkeep.scrub_some`` is called.
        """
        ...


class PresenceStore(Protocol):
    """Where in the history accounts came and went. ``channel`` is casefolded; empty means the server itself."""

    def come(self, account_id: int, channel: str) -> None:
        """Note that the account is there."""
        ...

    def find_left(self, account_id: int, channel: str) -> int | None:
        """Until where the account had read when it left the last time; None if it never did."""
        ...

    def go(self, account_id: int, channel: str, number: int) -> None:
        """Note that the account has read everything up to ``number``, and is gone."""
        ...

    def go_all(self, number: int) -> None:
        """Everybody who was there when the daemon ended had read everything up to ``number``. For its next start."""
        ...


class HistoryUpkeep(Protocol):
    """Work on the history that nobody waits for, in steps: each holds the write lock for 50 ms at most.

    For a thread in the background. Every method may raise ``DatabaseBusy``: try again later.
    """

    def index_some(self, most: int = 500, *, least: int = 1) -> bool:
        """Make some entries quick to find, once ``least`` of them are waiting; whether there is more to do.

        Reading is right without, and slower by some microseconds for each entry that waits.
        """
        ...

    def look_behind(self) -> Backlog:
        """How much came since the last call, and how much waits to be indexed. Cheap: looks at what came."""
        ...

    def prune_some(self, *, before_ms: int | None = None, most_bytes: int | None = None) -> int:
        """Delete some of the oldest entries, if they are too old or the database too large; how many it were."""
        ...

    def scrub_some(self) -> bool:
        """Do some of what removes deleted text from the files, and gives their room back; whether there is more."""
        ...

    def trim_log(self) -> LogTrim:
        """Keep the write-ahead log from growing; call it every second or so, or after every so many MiB."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
