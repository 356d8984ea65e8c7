"""What ``chatroomctl export`` and ``import`` do with an archive: write all of a database, and fill an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, TypeVar

from chatroom.chat.stored.archive_records import (
    SECTIONS,
    ArchivedAccount,
    ArchivedConversation,
    ArchiveRecord,
    HighestIds,
    Section,
)
from chatroom.chat.stored.archive_stores import ArchiveStore
from chatroom.chat.stored.entries import first_message_id
from chatroom.chat.stored.history_stores import HistoryUpkeep
from chatroom.chat.stored.records import StoredChannel
from chatroom.ctl.archive_file import ArchiveReader, ArchiveWriter, file_of
from chatroom.errors import InvalidValue, Refused

OnProgress = Callable[[int], object]
"""Called now and then with a number of records."""
Item = TypeVar("Item")
_AT_ONCE = 500
"""Records of one transaction."""


def count_all(store: ArchiveStore) -> int:
    """The number of records that an archive of the database has."""
    return sum(map(store.count, SECTIONS))


def write_archive(store: ArchiveStore, stream: IO[bytes], on_progress: OnProgress) -> dict[Section, int]:
    """Write all of a database in use to a stream, and return the number of records in each section."""
    with ArchiveWriter(stream) as writer:
        with store.moment() as highest:
            made_at = datetime.now(UTC)
            for section in SECTIONS:
                if section != "messages":
                    writer.write(section, store.read(section), on_progress)
        writer.write("messages", store.read_messages(highest), on_progress)
        return writer.finish(highest, made_at)


def fill_database(archive: ArchiveReader, store: ArchiveStore, on_progress: OnProgress) -> None:
    """Fill an empty database with an archive. Raises ``InvalidValue`` that names the first line that is wrong.

    What was written by then stays in the database: it is one that is thrown away.
    """
    references = _References()
    for section in SECTIONS:
        for batch in _batches(archive.read(section)):
            for number, record in batch:
                try:
                    references.check(record)
                except InvalidValue as error:
                    raise _at_line(section, number, error) from None
            _write(store, section, batch)
            on_progress(len(batch))
    store.finish(archive.highest)


def index_all(upkeep: HistoryUpkeep, find_last_indexed: Callable[[], int], last: int, on_progress: OnProgress) -> None:
    """Index all messages of a database that nobody else uses. ``on_progress`` counts thousandths."""
    first, done = None, 0
    while upkeep.index_some():
        indexed = find_last_indexed()
        first = first or indexed
        # Message ids go by time, so this is rough where little was said for long.
        share = 1000 * (indexed - first) // max(1, last - first)
        on_progress(share - done)
        done = share
    on_progress(1000 - done)


def is_ahead(highest: HighestIds, now: datetime) -> bool:
    """True if the clock of the other server was ahead of ours: new messages then follow its newest one."""
    return highest.message > first_message_id(int(now.timestamp() * 1000) + 60_000)


def _write(store: ArchiveStore, section: Section, batch: list[tuple[int, ArchiveRecord]]) -> None:
    try:
        store.write(section, [record for _, record in batch])
    except Refused:
        # Nothing of the batch was written. Again one by one, to find the line.
        for number, record in batch:
            try:
                store.write(section, [record])
            except Refused as error:
                raise _at_line(section, number, error) from None
        raise


def _at_line(section: Section, number: int, error: Refused) -> InvalidValue:
    return InvalidValue(f"{file_of(section)}, line {number}: {error}")


class _References:
    """Checks what the database itself does not: that names are words, and that what is referred to is there."""

    def __init__(self) -> None:
        self._accounts: set[int] = set()

    def check(self, record: ArchiveRecord) -> None:
        """Raise ``InvalidValue`` for a record that does not fit those before it."""
        if isinstance(record, ArchivedAccount):
            _require_word(record.name)
            self._accounts.add(record.id)
        elif isinstance(record, StoredChannel):
            _require_word(record.name)
            if not record.name.startswith("#"):
                raise InvalidValue("the name of a channel begins with #")
            referred = {*record.access, *([] if record.founder_id is None else [record.founder_id])}
            if not referred <= self._accounts:
                raise InvalidValue(f"there is no account {min(referred - self._accounts)}")
        elif isinstance(record, ArchivedConversation) and record.channel is not None:
            _require_word(record.channel)


def _require_word(name: str) -> None:
    # Not stricter: the rules for names may have been others when it was made.
    if not name or not name.isprintable() or any(char in " ,:" for char in name):
        raise InvalidValue(f"{name!r} is no name")


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
