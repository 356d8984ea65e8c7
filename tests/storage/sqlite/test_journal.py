from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from harness.written_history import AT, keep, said

from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.errors import StorageError
from chatroom.storage.sql.history_archive import read_all
from chatroom.storage.sql.history_rows import MOST_AT_ONCE
from chatroom.storage.sqlite.journal import SqliteJournal, open_journal
from chatroom.storage.sqlite.sqlite_stores import SqliteStores


@pytest.fixture
def journal(stores: SqliteStores) -> Iterator[SqliteJournal]:
    """The journal of a new database."""
    journal = open_journal(stores.path)
    yield journal
    journal.close()


def test_never_waits_for_another_writer(journal: SqliteJournal, stores: SqliteStores) -> None:
    """If another connection has the write lock, ``begin`` returns False at once."""
    with stores.database.transaction():
        assert journal.begin() is False
    keep(journal, said(first_message_id(AT)))


def test_full_disk(journal: SqliteJournal, stores: SqliteStores) -> None:
    """Without room on the disk, the transaction is rolled back. The next one works when there is room again."""
    # SQLite's own limit gives the error that a full disk gives.
    connection = journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 4}")
    message_id = first_message_id(AT)
    many = [said(message_id + count, "x" * 3000, f"#c{message_id + count}") for count in range(1, 99)]
    assert journal.begin()
    with pytest.raises(StorageError, match="no room"):
        journal.write(many)
    refused = many[-1].message_id
    assert stores.history.find(refused) is None
    connection.execute("PRAGMA max_page_count=1000000")
    keep(journal, said(refused + 1, conversation=f"#c{refused}"))
    assert [entry.message_id for entry in stores.history.latest(f"#c{refused}", 9)] == [refused + 1]


def test_entries_that_are_alike_share_values_and_nothing_else(journal: SqliteJournal, stores: SqliteStores) -> None:
    """Runs of every length, of senders and conversations in turns, are read back as they were written.

    In a run, entries differ in id, time and text only. Each run differs from the one before in one further field.
    """
    ids = count(first_message_id(AT + 1000))
    first = said(0)._replace(target="#Lobby")
    runs: list[Entry] = [
        first,
        first._replace(target="#lobby"),
        first._replace(conversation="#tea", target="#tea"),
        first._replace(conversation=(3, 7), target="bob"),
        first._replace(conversation=(3, 7), target="rob"),
        first._replace(source="ada!a@elsewhere"),
        first._replace(source="ada!a@elsewhere", kind=Kind.NOTICE),
        first._replace(source="ada!a@elsewhere", account_id=None, account=""),
        first._replace(source="ada!a@elsewhere", client_tags=""),
        first._replace(source="ada!a@elsewhere", client_tags="", flags=0),
    ]
    written: list[Entry] = []
    for length in (1, 2, 7, 8, 9, MOST_AT_ONCE - 1, MOST_AT_ONCE, MOST_AT_ONCE + 1, 3 * MOST_AT_ONCE):
        for entry in runs:
            written += [
                entry._replace(message_id=next(ids), time_ms=AT + at, text=f"line {at} of {length}")
                for at in range(length)
            ]
    keep(journal, *written)
    assert [archived.entry for archived in read_all(stores.database)] == written


@pytest.mark.parametrize("full, synchronous", [(False, 1), (True, 2)])
def test_synchronous_is_a_setting(stores: SqliteStores, full: bool, synchronous: int) -> None:
    """A commit waits for the disk (2, FULL) only if the setting asks for it."""
    journal = open_journal(stores.path, full=full)
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    journal.close()


def test_no_database_no_journal(tmp_path: Path) -> None:
    """A missing database is not made."""
    with pytest.raises(StorageError):
        open_journal(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []
