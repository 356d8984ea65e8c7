from __future__ import annotations

from datetime import UTC, datetime

from chatroom.chat.stored.records import Actor, StoredLockdown
from chatroom.storage.sql.sql_stores import SqlStores

ADA = Actor("ada", "192.0.2.1")


def test_the_last_one_is_kept_until_it_is_off(stores: SqlStores) -> None:
    """With its end, if it has one, and who set it; a new one replaces it."""
    assert stores.lockdown.load() is None
    stores.lockdown.save("on", datetime(2030, 6, 1, tzinfo=UTC), ADA)
    assert stores.lockdown.load() == StoredLockdown("on", 1_906_502_400_000, "ada")
    stores.lockdown.save("accounts-only", None, ADA)
    assert stores.lockdown.load() == StoredLockdown("accounts-only", None, "ada")
    stores.lockdown.save("off", None, ADA)
    assert stores.lockdown.load() is None
    assert [row.target for row in stores.audit.list_entries()] == ["on", "accounts-only", "off"]
