from __future__ import annotations

from collections.abc import Callable

from chatroom.storage.sql.server_keys import get_server_key
from chatroom.storage.sql.sql_stores import SqlStores


def test_key_stays_the_same(stores: SqlStores, open_another: Callable[[str], SqlStores]) -> None:
    """A key is made once. It is the same for every connection and after a restart."""
    key = get_server_key(stores.database, "cloak")
    assert len(key) == 32
    assert get_server_key(open_another("daemon:1").database, "cloak") == key
    stores.close()
    assert get_server_key(open_another("daemon:2").database, "cloak") == key


def test_each_name_has_its_own(stores: SqlStores) -> None:
    """Two names do not share a key."""
    assert get_server_key(stores.database, "cloak") != get_server_key(stores.database, "other")
