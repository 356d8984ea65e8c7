from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.written_history import AT, keep, said

from chatroom.chat.stored.entries import first_message_id
from chatroom.errors import StorageError
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
