from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chatroom.chat.stored.records import Actor, Change, NewFilter, SpamFilter
from chatroom.errors import NotFound, TooMany
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import utc_now

SPAM = NewFilter("*spam*", "glob", "mute", "no spam", 600)
EGGS = NewFilter("eg+s", "regex", "refuse", "", None)
MOST = 500


def test_a_filter_is_stored_whole(stores: SqlStores, by: Actor) -> None:
    """With its author and the time, and it is found by id and by pattern. The audit has it."""
    spam, eggs = stores.filters.add(SPAM, by, MOST), stores.filters.add(EGGS, by, MOST)
    assert (spam.id, *spam_values(spam)) == (1, *SPAM, "root", 0, None)
    assert (eggs.id, *spam_values(eggs)) == (2, *EGGS, "root", 0, None)
    assert stores.filters.list_all() == [spam, eggs]
    assert stores.filters.find(2) == stores.filters.find_pattern("eg+s") == eggs
    assert stores.filters.find(3) is stores.filters.find_pattern("*SPAM*") is None
    entries = [(entry.actor, entry.action, entry.target, entry.detail) for entry in stores.audit.list_entries()]
    assert entries == [
        ("root", "filter.add", "*spam*", "filter 1, glob, mute for 10m: no spam"),
        ("root", "filter.add", "eg+s", "filter 2, regex, refuse"),
    ]


def spam_values(one: SpamFilter) -> tuple[object, ...]:
    """What a filter has besides its id and its time."""
    return one.pattern, one.kind, one.action, one.reason, one.duration_s, one.by, one.hits, one.hit_at


def test_the_same_pattern_is_one_filter(stores: SqlStores, by: Actor) -> None:
    """Added again it changes, and keeps its number and hits. The same pattern of another kind is another filter."""
    stores.filters.add(SPAM, by, MOST)
    stores.filters.add_hits({1: 3}, utc_now())
    changed = stores.filters.add(SPAM._replace(action="kick", duration_s=None, reason=""), Actor("ada", "::1"), MOST)
    assert (changed.id, changed.action, changed.duration_s, changed.by, changed.hits) == (1, "kick", None, "ada", 3)
    assert stores.filters.add(SPAM._replace(kind="regex"), by, MOST).id == 2
    assert stores.filters.find_pattern("*spam*") == changed


def test_there_are_so_many_of_a_kind(stores: SqlStores, by: Actor) -> None:
    """A change of one that is there is no new one."""
    stores.filters.add(SPAM, by, 1)
    stores.filters.add(SPAM, by, 1)
    stores.filters.add(EGGS, by, 1)
    with pytest.raises(TooMany, match="1 filters of this kind"):
        stores.filters.add(SPAM._replace(pattern="*ham*"), by, 1)
    assert len(stores.filters.list_all()) == 2


def test_a_removed_filter_is_gone(stores: SqlStores, by: Actor) -> None:
    """The audit has what it was, and its number is not given out again."""
    spam = stores.filters.add(SPAM, by, MOST)
    assert stores.filters.remove(1, by) == spam
    with pytest.raises(NotFound, match="no filter 1"):
        stores.filters.remove(1, by)
    assert stores.audit.list_entries()[-1].action == "filter.remove"
    assert stores.filters.add(SPAM, by, MOST).id == 2


def test_hits_are_counted(stores: SqlStores, by: Actor) -> None:
    """Those of a filter that is gone are left out, and no daemon reads filters again for them."""
    spam = stores.filters.add(SPAM, by, MOST)
    eggs = stores.filters.add(EGGS, by, MOST)
    newest = stores.last_change_id()
    at = spam.created_at + timedelta(seconds=9)
    stores.filters.add_hits({1: 2, 7: 5}, at)
    stores.filters.add_hits({1: 1}, at)
    found = stores.filters.find(1)
    assert found is not None
    assert (found.hits, found.hit_at) == (3, at)
    assert stores.filters.find(2) == eggs
    assert stores.last_change_id() == newest


def test_each_change_names_its_row(stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]) -> None:
    """So that a running daemon reads the filters again."""
    stores.filters.add(SPAM, by, MOST)
    stores.filters.add(SPAM, by, MOST)
    stores.filters.remove(1, by)
    assert open_another("daemon:1").changes_after(0) == [Change(number, "filters", 1, "cli") for number in (1, 2, 3)]
