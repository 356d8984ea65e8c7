"""What the upkeep of a history on a server does by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from harness.written_history import keep_texts, run

from chatroom.chat.stored.entries import Entry
from chatroom.chat.stored.records import Actor
from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseBusy
from chatroom.storage.postgresql import server_upkeep
from chatroom.storage.postgresql.postgresql_stores import PostgresqlStores, open_stores
from chatroom.storage.postgresql.server_journal import open_journal
from chatroom.storage.postgresql.server_upkeep import ServerUpkeep, open_upkeep

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def stores(address: ServerAddress) -> Iterator[PostgresqlStores]:
    """Stores on a new database."""
    with open_stores(address) as stores:
        yield stores


@pytest.fixture
def upkeep(address: ServerAddress) -> Iterator[ServerUpkeep]:
    """The upkeep of the database."""
    upkeep = open_upkeep(address)
    yield upkeep
    upkeep.close()


def keep(address: ServerAddress, count: int) -> list[Entry]:
    """Write and index messages, a second apart."""
    with closing(open_journal(address)) as journal:
        return keep_texts(journal, [f"word{number} " * 60 for number in range(count)], channel="#a")


def test_a_history_is_pruned_to_its_size(
    address: ServerAddress, upkeep: ServerUpkeep, stores: PostgresqlStores
) -> None:
    """By what its entries take: the tables do not get smaller, and are no reason to go on."""
    entries = keep(address, 3000)
    run(upkeep.index_some)
    stores.database.execute("ANALYZE messages")
    bound = upkeep._measure_history() // 2
    for _ in range(50):
        if not upkeep.prune_some(most_bytes=bound):
            upkeep.scrub_some()
            if not upkeep.prune_some(most_bytes=bound):
                break
    left = stores.history.latest("#a", 5000)
    assert left == entries[-len(left) :]
    assert 1200 < len(left) < 1500
    assert upkeep.prune_some(most_bytes=bound) == 0


def test_what_is_redacted_leaves_the_tables(
    address: ServerAddress, upkeep: ServerUpkeep, stores: PostgresqlStores, by: Actor
) -> None:
    """The server is asked at once to clear the rows away, and then not again."""
    entries = keep(address, 100)
    run(upkeep.index_some)
    stores.history.redact(entries[50].message_id, by)
    assert stores.database.number("SELECT value FROM history_state WHERE name = 'scrub'") > 0
    assert upkeep.scrub_some() is False
    assert stores.database.number("SELECT value FROM history_state WHERE name = 'scrub'") == 0
    assert stores.database.number("SELECT count(*) FROM message_words") == 99


def test_a_large_table_keeps_the_upkeep_for_a_while_only(
    upkeep: ServerUpkeep, stores: PostgresqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on in a later round, until it is through. Meanwhile new messages are indexed."""
    stores.database.execute(
        "INSERT INTO messages SELECT time_ms * 1024, 1, time_ms, 1, 0, '', NULL, '', '', 'tea', ''"
        " FROM generate_series(1900000000001, 1900000200000) AS time_ms"
    )
    stores.database.execute("DELETE FROM messages WHERE id % 3 = 0")
    stores.database.execute("UPDATE history_state SET value = 60000 WHERE name = 'scrub'")
    monkeypatch.setattr(server_upkeep, "_SCRUB_S", 0.001)
    assert upkeep.scrub_some() is False
    assert stores.database.number("SELECT value FROM history_state WHERE name = 'scrub'") == 60000
    assert upkeep.index_some()
    assert stores.database.row("SHOW statement_timeout") == ("0",)
    monkeypatch.undo()
    for _ in range(100):
        upkeep.scrub_some()
        if not stores.database.number("SELECT value FROM history_state WHERE name = 'scrub'"):
            break
    else:
        pytest.fail("it is never through")


def test_a_fault_while_it_clears_away_is_told(
    upkeep: ServerUpkeep, stores: PostgresqlStores, by: Actor, address: ServerAddress
) -> None:
    """Another program has the table. It is tried again in the next round."""
    entry = keep(address, 1)[0]
    stores.history.redact(entry.message_id, by)
    upkeep._database.execute("SET lock_timeout = 10")
    with stores.database.transaction():
        stores.database.execute("LOCK TABLE messages IN SHARE MODE")
        with pytest.raises(DatabaseBusy):
            upkeep.scrub_some()
    assert upkeep.scrub_some() is False
    assert stores.database.number("SELECT value FROM history_state WHERE name = 'scrub'") == 0


def test_indexing_tells_nobody(address: ServerAddress, upkeep: ServerUpkeep, stores: PostgresqlStores) -> None:
    """A daemon would look for changes after each step."""
    keep(address, 5)
    stores.changed_elsewhere()
    assert upkeep.index_some()
    assert not stores.changed_elsewhere()


def test_the_log_is_the_servers(upkeep: ServerUpkeep) -> None:
    """There is nothing to trim."""
    assert upkeep.trim_log() == (0, 0.0, True)
