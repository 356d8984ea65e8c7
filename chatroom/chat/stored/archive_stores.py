"""The Protocol for a database as a whole: everything in it is read and written as it is, with its ids.

It is the way from one version or engine to another (``chatroomctl export`` and ``import``). What all stores have in
common is said in ``stores``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from chatroom.chat.stored.archive_records import ArchiveRecord, HighestIds, Section


class ArchiveStore(Protocol):
    """Reads all of a database in use, and fills an empty one. Nothing is audited, and no daemon follows it."""

    def is_empty(self) -> bool:
        """True if nobody has put anything into the database: no account, ban, filter, channel or message."""
        ...

    def moment(self) -> AbstractContextManager[HighestIds]:
        """In the block, ``read`` shows the database at one moment, to which the answer belongs."""
        ...

    def count(self, section: Section) -> int:
        """The number of records in a section."""
        ...

    def read(self, section: Section) -> Iterator[ArchiveRecord]:
        """All records of a section, in the order of their ids. Only in a ``moment``; not for ``messages``."""
        ...

    def read_messages(self, highest: HighestIds) -> Iterator[ArchiveRecord]:
        """The messages of a ``moment`` that has ended, without those that were deleted since, in the order of ids.

        It is apart because it can take minutes. Each page is a short read, so that others can write meanwhile.
        """
        ...

    def write(self, section: Section, records: Sequence[ArchiveRecord]) -> None:
        """Add records to an empty database, in one transaction. The sections come in the order of ``SECTIONS``.

        Raises ``InvalidValue`` if an id or a name is there already, or if a record refers to what is not there.
        """
        ...

    def finish(self, highest: HighestIds) -> None:
        """Have no id given out again that is at or below these. Call it when all records are written."""
        ...
