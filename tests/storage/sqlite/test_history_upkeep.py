from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.written_history import AT, keep_texts, run

from chatroom.chat.stored.entries import Search
from chatroom.chat.stored.records import Actor
from chatroom.errors import DatabaseBusy
from chatroom.storage.sqlite.history_upkeep import LOG_LIMIT, SqliteUpkeep, open_upkeep
from chatroom.storage.sqlite.journal import SqliteJournal, open_journal
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

DAY_MS = 86_400_000


@pytest.fixture
def journal(stores: SqliteStores) -> Iterator[SqliteJournal]:
    """The journal of the database."""
    journal = open_journal(stores.path)
    yield journal
    journal.close()


@pytest.fixture
def upkeep(stores: SqliteStores) -> Iterator[SqliteUpkeep]:
    """The upkeep of the database. It waits 50 ms for the write lock."""
    upkeep = open_upkeep(stores.path, busy_timeout_s=0.05)
    yield upkeep
    upkeep.close()


def bytes_of(path: Path) -> bytes:
    """All bytes of the database and of SQLite's files beside it."""
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    assert {file.name for file in files} >= {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    return b"".join(file.read_bytes() for file in files)


def test_somebody_else_is_writing(journal: SqliteJournal, upkeep: SqliteUpkeep) -> None:
    """If another connection holds the write lock, a step raises DatabaseBusy, and the next try does the work."""
    keep_texts(journal, ["tea"])
    assert journal.begin()
    with pytest.raises(DatabaseBusy):
        upkeep.index_some()
    journal.rollback()
    assert upkeep.index_some()


def test_prune_by_size_gives_room_back(journal: SqliteJournal, upkeep: SqliteUpkeep, stores: SqliteStores) -> None:
    """A database above its size limit loses its oldest entries until it is below it, and then no more."""
    entries = keep_texts(journal, [f"word{count} " * 60 for count in range(3000)])
    run(upkeep.index_some)
    run(upkeep.scrub_some)
    full = stores.database.number("PRAGMA page_count") * stores.database.number("PRAGMA page_size")
    bound = full // 2
    for _ in range(20):
        if not run(lambda: upkeep.prune_some(most_bytes=bound)) and not run(upkeep.scrub_some):
            break
    left = stores.history.latest("#lobby", 5000)
    assert left == entries[-len(left) :]
    assert 500 < len(left) < 2500
    assert stores.path.stat().st_size < bound + 100 * 4096
    assert upkeep.prune_some(most_bytes=bound) == 0
    assert upkeep.prune_some(most_bytes=full * 2) == 0


def test_redacted_text_leaves_the_files(
    journal: SqliteJournal, upkeep: SqliteUpkeep, stores: SqliteStores, by: Actor
) -> None:
    """After a redaction and a scrub, no byte of the text is in the files, indexed or not. Other texts stay."""
    texts = [f"harmless{count} talk" for count in range(400)]
    texts[200] = "the zanzibarkey is swordfishes"
    entries = keep_texts(journal, texts)
    run(upkeep.index_some)
    entries += keep_texts(journal, ["the latepassword, told twice"], AT + DAY_MS)
    keep_texts(journal, ["goodbye everyone"], AT + 2 * DAY_MS)
    assert all(word in bytes_of(stores.path) for word in (b"zanzibarkey", b"swordfishes", b"latepassword"))
    stores.history.redact(entries[200].message_id, by)
    stores.history.redact(entries[400].message_id, by)
    run(upkeep.index_some)
    run(upkeep.scrub_some)
    left = bytes_of(stores.path)
    for word in ("zanzibarkey", "swordfishes", "latepassword", "told twice"):
        assert word.encode() not in left
        # In the index a word is without what it has in common with the one before it.
        assert word[1:].encode() not in left
        assert stores.history.search(Search(word)) == []
    assert b"goodbye everyone" in left
    assert len(stores.history.search(Search("talk", limit=1000))) == 399
    assert stores.database.rows("PRAGMA integrity_check") == [("ok",)]
    stores.database.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")


def test_scrubbing_waits_for_a_reader(
    journal: SqliteJournal, upkeep: SqliteUpkeep, stores: SqliteStores, by: Actor
) -> None:
    """While another connection reads, the log cannot be emptied and there is more to do. Afterwards it is done."""
    entries = keep_texts(journal, ["the zanzibarkey", "tea"])
    with stores.database.snapshot():
        assert stores.database.number("SELECT count(*) FROM messages") == 2
        other = open_upkeep(stores.path)
        with open_stores(stores.path) as writer:
            writer.history.redact(entries[0].message_id, by)
        for _ in range(20):
            assert other.scrub_some()
        other.close()
    run(upkeep.scrub_some)
    assert b"zanzibarkey" not in bytes_of(stores.path)


WRITER = """
import sys
from pathlib import Path
from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.storage.sqlite.journal import open_journal
journal = open_journal(Path(sys.argv[1]))
message_id = first_message_id(1_900_000_000_000)
print("ready", flush=True)
while True:
    message_id += 1
    if journal.begin():
        journal.write([Entry(message_id, 1_900_000_000_000, "#c", Kind.PRIVMSG, "a!b@c", None, "", "#c", "x" * 2000)])
        journal.commit()
"""


def test_log_stays_small_under_steady_writing(stores: SqliteStores, upkeep: SqliteUpkeep) -> None:
    """``trim_log`` keeps the log short while another process never stops writing."""
    wal = Path(f"{stores.path}-wal")
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(stores.path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            for _ in range(3):
                while wal.stat().st_size <= LOG_LIMIT:
                    assert process.poll() is None
                while wal.stat().st_size > LOG_LIMIT:
                    upkeep.trim_log()
        finally:
            process.kill()
    assert stores.database.rows("PRAGMA integrity_check") == [("ok",)]


def test_small_log_is_left_alone(journal: SqliteJournal, upkeep: SqliteUpkeep) -> None:
    """``trim_log`` does nothing if the log is short."""
    keep_texts(journal, ["tea"])
    trim = upkeep.trim_log()
    assert trim.trimmed
    assert trim.held_s == 0
    assert 0 < trim.bytes <= LOG_LIMIT
