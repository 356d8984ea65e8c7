from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatroom.chat.stored.records import Actor
from chatroom.storage.sql.sql_stores import SqlStores


@pytest.fixture
def trail(stores: SqlStores, clock: Any) -> SqlStores:
    """Four entries, an hour apart."""
    for actor, action, target in (
        ("Ada", "kick", "mallory"), ("bob", "kick", "eve"), ("ada", "announce", ""), ("BOB", "kick", "Mallory"),
    ):  # fmt: skip
        stores.audit.add(Actor(actor, "192.0.2.1"), action, target, "why")
        clock.advance(hours=1)
    return stores


def test_entry_has_who_what_whom_when_and_where(trail: SqlStores) -> None:
    """An entry comes back with every part of it."""
    entry = trail.audit.list_entries(limit=4)[0]
    assert (entry.id, entry.actor, entry.origin, entry.action) == (1, "Ada", "192.0.2.1", "kick")
    assert (entry.target, entry.detail, entry.at) == ("mallory", "why", datetime(2030, 5, 1, 12, 0, 0, 123000, UTC))


@pytest.mark.parametrize(
    "asked, ids",
    [
        ({}, [1, 2, 3, 4]),
        ({"limit": 2}, [3, 4]),
        ({"limit": 0}, []),
        ({"actor": "ADA"}, [1, 3]),
        ({"target": "mALLORY"}, [1, 4]),
        ({"actor": "bob", "target": "mallory"}, [4]),
        ({"actor": "bob", "limit": 1}, [4]),
        ({"actor": "b' OR '1'='1"}, []),
        ({"actor": "b%"}, []),
        ({"before_id": 3}, [1, 2]),
        ({"before_id": 4, "limit": 2}, [2, 3]),
        ({"groups": ("kick", "ban")}, [1, 2, 4]),
        ({"groups": ("announce",)}, [3]),
        ({"groups": ("ann",)}, []),
        ({"groups": ()}, []),
        ({"groups": ("kick",), "actor": "bob", "before_id": 4}, [2]),
    ],
)
def test_filters(trail: SqlStores, asked: dict[str, Any], ids: list[int]) -> None:
    """The newest rows that match all conditions come oldest first. Names are compared casefolded, as a whole."""
    assert [entry.id for entry in trail.audit.list_entries(**asked)] == ids


def test_since(trail: SqlStores, clock: Any) -> None:
    """A row of exactly that time matches."""
    since_at = clock.now - timedelta(hours=2)
    assert [entry.id for entry in trail.audit.list_entries(since_at=since_at)] == [3, 4]


def test_the_daemon_is_not_told_of_audit_rows(trail: SqlStores) -> None:
    """An audit row alone is no logged change."""
    assert trail.last_change_id() == 0
