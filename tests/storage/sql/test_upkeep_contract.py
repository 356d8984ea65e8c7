"""What the upkeep of every engine does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.written_history import AT, keep_texts, run

from chatroom.chat.stored.entries import AtMessageId, Search, first_message_id
from chatroom.chat.stored.history_stores import Journal
from chatroom.chat.stored.records import Actor
from chatroom.storage.opening import open_upkeep
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.upkeep_steps import SqlUpkeep

DAY_MS = 86_400_000


@pytest.fixture
def upkeep(stores: SqlStores) -> Iterator[SqlUpkeep]:
    """The upkeep of the database."""
    upkeep = open_upkeep(stores.address)
    yield upkeep
    upkeep.close()


def test_indexing_goes_on_where_it_ended(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """Every entry is indexed once, in steps, also if it is written between two of them."""
    keep_texts(journal, [f"tea {count}" for count in range(300)])
    assert upkeep.index_some(100)
    keep_texts(journal, [f"milk {count}" for count in range(50)], AT + DAY_MS)
    run(upkeep.index_some)
    assert stores.database.number("SELECT count(*) FROM places") == 350
    assert len(stores.history.search(Search("tea", limit=1000))) == 300
    assert len(stores.history.search(Search("milk", limit=1000))) == 50
    assert upkeep.index_some() is False


def test_indexing_waits_for_enough(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """Fewer entries than ``least`` are not indexed, and found all the same."""
    keep_texts(journal, ["tea"] * 9)
    assert upkeep.index_some(least=10) is False
    assert stores.database.number("SELECT count(*) FROM places") == 0
    assert len(stores.history.search(Search("tea"))) == 9
    keep_texts(journal, ["tea"], AT + DAY_MS)
    run(lambda: upkeep.index_some(least=10))
    assert stores.database.number("SELECT count(*) FROM places") == 10


def test_how_much_waits_is_known(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """``came`` counts all entries since the last look, also those indexed meanwhile; ``waiting`` those that wait."""
    keep_texts(journal, ["tea"] * 300)
    assert upkeep.measure_lag() == (300, 300)
    assert upkeep.measure_lag() == (0, 300)
    keep_texts(journal, ["milk"] * 50, AT + DAY_MS)
    assert upkeep.measure_lag() == (50, 350)
    upkeep.index_some(100)
    waiting = 350 - stores.database.number("SELECT count(*) FROM places")
    assert 0 < waiting < 350
    assert upkeep.measure_lag() == (0, waiting)
    keep_texts(journal, ["tea"] * 20, AT + 2 * DAY_MS)
    run(upkeep.index_some)
    assert upkeep.measure_lag() == (20, 0)
    keep_texts(journal, ["tea"], AT + 3 * DAY_MS)
    assert upkeep.measure_lag() == (1, 1)


def test_an_empty_history_has_nothing_waiting(journal: Journal, upkeep: SqlUpkeep) -> None:
    """The lag is 0 before the first message, and 1 after it."""
    assert upkeep.measure_lag() == (0, 0)
    keep_texts(journal, ["tea"])
    assert upkeep.measure_lag() == (1, 1)


def test_prune_by_age(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """All entries before a time are deleted, in any channel, and no others. Their message ids are not used again."""
    old = keep_texts(journal, ["old tea"] * 150, AT, "#a") + keep_texts(journal, ["old tea"] * 150, AT + DAY_MS, "#b")
    new = keep_texts(journal, ["new tea"] * 10, AT + 9 * DAY_MS, "#a")
    run(upkeep.index_some)
    run(lambda: upkeep.prune_some(before_ms=new[0].time_ms))
    assert stores.history.latest("#a", 1000) == new
    assert stores.history.latest("#b", 1000) == []
    assert stores.history.search(Search("tea", limit=1000)) == new
    assert stores.history.find(old[0].message_id) is None
    assert run(lambda: upkeep.prune_some(before_ms=new[-1].time_ms + 1)) == 1
    assert journal.last_message_id() == new[-1].message_id


def test_prune_by_age_after_a_clock_was_set_back(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """An entry from when the clock was years ahead does not keep later entries from being pruned."""
    ahead = keep_texts(journal, ["from the future"], AT + 9000 * DAY_MS)
    keep_texts(journal, ["tea"] * 5, AT)
    run(upkeep.index_some)
    run(lambda: upkeep.prune_some(before_ms=AT + DAY_MS))
    assert stores.history.latest("#lobby", 99) == ahead


def test_pruned_text_is_not_scrubbed_at_once(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """A few pruned entries do not cause a scrub."""
    keep_texts(journal, ["tea"] * 100)
    run(upkeep.index_some)
    run(lambda: upkeep.prune_some(before_ms=AT + DAY_MS))
    assert upkeep.scrub_some() is False
    assert stores.database.number("SELECT value FROM history_state WHERE name = 'scrub'") == 100


def test_bounds_do_not_need_entries(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores, by: Actor) -> None:
    """The message id of a redacted entry can still be a bound."""
    entries = keep_texts(journal, ["one", "two", "three"])
    run(upkeep.index_some)
    stores.history.redact(entries[1].message_id, by)
    assert stores.history.before("#lobby", AtMessageId(entries[1].message_id), 9) == entries[:1]
    assert stores.history.after("#lobby", AtMessageId(entries[1].message_id), 9) == entries[2:]
    assert first_message_id(AT) == entries[0].message_id


def test_channels_that_ended_long_ago_leave_nothing(journal: Journal, upkeep: SqlUpkeep, stores: SqlStores) -> None:
    """Their messages, words and conversations are deleted; a channel of the name that is there has its own."""
    keep_texts(journal, ["first tea"] * 30, channel="#den")
    end_channel(journal, "#den")
    keep_texts(journal, ["second tea"], channel="#den")
    keep_texts(journal, ["third tea"], channel="#lobby")
    ended_ms = stores.database.number("SELECT ended_ms FROM conversations WHERE ended_ms IS NOT NULL")
    assert upkeep.drop_ended(ended_ms + 1) is False  # not indexed yet
    run(upkeep.index_some)
    assert upkeep.drop_ended(ended_ms) is False
    run(lambda: upkeep.drop_ended(ended_ms + 1))
    assert [entry.text for entry in stores.history.search(Search("tea", limit=99))] == ["second tea", "third tea"]
    assert stores.database.number("SELECT count(*) FROM conversations") == 2
    assert stores.database.number("SELECT count(*) FROM places") == 2


def test_an_ended_channel_without_messages_leaves_nothing(
    journal: Journal, upkeep: SqlUpkeep, stores: SqlStores
) -> None:
    """Guests make and leave channels all day: a row for each would stay for ever."""
    for number in range(3):
        keep_texts(journal, ["x"], channel=f"#{number}")
        end_channel(journal, f"#{number}")
    run(upkeep.index_some)
    run(lambda: upkeep.prune_some(before_ms=AT + DAY_MS))
    run(lambda: upkeep.drop_ended(2**62))
    assert stores.database.number("SELECT count(*) FROM conversations") == 0


def end_channel(journal: Journal, name: str) -> None:
    """End a channel's conversation."""
    assert journal.begin()
    journal.end_channel(name)
    journal.commit()
