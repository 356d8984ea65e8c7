"""The notes by which a start finds that a channel has its new name in one half of the database only."""

from __future__ import annotations

import pytest
from harness.written_history import AT, keep, said

from chatroom.chat.stored.entries import first_message_id
from chatroom.chat.stored.history_stores import Journal
from chatroom.chat.stored.records import Actor, StoredChannel
from chatroom.storage.sql.rename_notes import note_in_history
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import from_ms

TEA, COFFEE = (StoredChannel(name, None, from_ms(AT)) for name in ("#tea", "#Coffee"))


def rename_in_history(journal: Journal) -> None:
    """Give the channel its new name there."""
    assert journal.begin()
    journal.rename_channel("#Tea", "#Coffee")
    journal.commit()


def count_notes(stores: SqlStores) -> int:
    """How many notes there are."""
    return stores.database.number("SELECT count(*) FROM rename_notes")


@pytest.mark.parametrize("first", ["history", "stores"])
def test_the_second_half_removes_the_note_of_the_first(
    journal: Journal, stores: SqlStores, by: Actor, first: str
) -> None:
    """Whichever it is."""
    counts = []
    stores.channels.save(TEA, by, "", "")
    for half in ("history", "stores") if first == "history" else ("stores", "history"):
        if half == "history":
            rename_in_history(journal)
        else:
            stores.channels.rename("#tea", "#Coffee", COFFEE, by)
        counts.append(count_notes(stores))
    assert counts == [1, 0]


@pytest.mark.parametrize("is_saved", [False, True])
def test_the_stores_are_behind(journal: Journal, stores: SqlStores, by: Actor, *, is_saved: bool) -> None:
    """They follow. If a later change of the channel was stored, the old row only goes."""
    stores.channels.save(TEA, by, "", "")
    rename_in_history(journal)
    if is_saved:
        stores.channels.save(COFFEE, by, "", "")
    stores.channels.finish_renames()
    assert [channel.name for channel in stores.channels.load_all()] == ["#Coffee"]
    assert count_notes(stores) == 0


def test_the_history_is_behind(journal: Journal, stores: SqlStores, by: Actor) -> None:
    """It follows. What was said under the new name before belongs to an earlier channel."""
    first = first_message_id(AT)
    keep(journal, said(first, conversation="#coffee"), said(first + 1, conversation="#tea"))
    stores.channels.rename("#tea", "#Coffee", None, by)
    stores.channels.finish_renames()
    assert [entry.message_id for entry in stores.history.latest("#coffee", 9)] == [first + 1]
    assert not stores.history.has("#tea")
    stores.channels.finish_renames()
    assert [entry.message_id for entry in stores.history.latest("#coffee", 9)] == [first + 1]


def test_a_node_that_is_gone(stores: SqlStores, by: Actor) -> None:
    """Another one completes its names, and no others. If it only stood still, it does not give them once more."""
    stores.channels.save(TEA, by, "", "")
    note_in_history(stores.database.execute, "#tea", "#Coffee", "b/2")
    stores.channels.finish_renames("c/3")
    assert [channel.name for channel in stores.channels.load_all()] == ["#tea"]
    stores.channels.finish_renames("b/2")
    assert [channel.name for channel in stores.channels.load_all()] == ["#Coffee"]
    stores.channels.save(TEA, by, "", "")
    stores.channels.rename("#tea", "#Coffee", None, by, home="b/2")
    assert [channel.name for channel in stores.channels.load_all()] == ["#Coffee", "#tea"]
    assert count_notes(stores) == 0


def test_the_name_is_given_again_by_another_node(stores: SqlStores, by: Actor) -> None:
    """What is left of the note of a node that is gone is not in the way."""
    stores.channels.save(TEA, by, "", "")
    note_in_history(stores.database.execute, "#tea", "#Coffee", "b/2")
    stores.channels.finish_renames("b/2")
    stores.channels.rename("#Coffee", "#tea", TEA, by, home="a/4")
    note_in_history(stores.database.execute, "#Coffee", "#tea", "a/4")
    note_in_history(stores.database.execute, "#tea", "#Coffee", "a/4")
    stores.channels.rename("#tea", "#Coffee", COFFEE, by, home="a/4")
    assert [channel.name for channel in stores.channels.load_all()] == ["#Coffee"]
    assert count_notes(stores) == 0


def test_a_history_that_is_behind_stays_so_while_others_go_on(stores: SqlStores, by: Actor) -> None:
    """They may have said something under the new name."""
    stores.channels.rename("#tea", "#Coffee", None, by, home="b/2")
    stores.channels.finish_renames("b/2")
    assert stores.database.rows("SELECT balance FROM rename_notes") == [(0,)]
