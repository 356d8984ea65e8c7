from __future__ import annotations

from chatroom.chat.stored.records import AccountData, Actor, Role
from chatroom.storage.sql.sql_stores import SqlStores


def test_markers_only_move_forward(stores: SqlStores, by: Actor) -> None:
    """Each account and target has its own marker. An older time changes nothing."""
    ada = stores.accounts.create("ada", Role.USER, [], by)
    bob = stores.accounts.create("bob", Role.USER, [], by)
    for moment in (1000, 3000, 2000):
        stores.account_data.set_marker(ada.id, "#a", moment)
    stores.account_data.set_marker(ada.id, "bob", 500)
    assert stores.account_data.load(ada.id) == AccountData({"#a": 3000, "bob": 500}, {})
    assert stores.account_data.load(bob.id) == AccountData({}, {})
    stores.account_data.delete_marker(ada.id, "bob")
    assert stores.account_data.load(ada.id).markers == {"#a": 3000}


def test_many_markers_only_move_forward(stores: SqlStores, by: Actor) -> None:
    """Those of several accounts at once. One of them may be deleted meanwhile."""
    ada = stores.accounts.create("ada", Role.USER, [], by)
    bob = stores.accounts.create("bob", Role.USER, [], by)
    for target, moment in (("#a", 1000), ("#b", 2000), ("#c", 3000)):
        stores.account_data.set_marker(ada.id, target, moment)
    marked = {"#a": 1500, "#b": 1500, "#d": 1500}
    stores.account_data.raise_markers({ada.id: marked, bob.id: {"#a": 7}, 99: marked})
    assert stores.account_data.load(ada.id).markers == {"#a": 1500, "#b": 2000, "#c": 3000, "#d": 1500}
    assert stores.account_data.load(bob.id).markers == {"#a": 7}


def test_metadata_is_replaced_as_a_whole(stores: SqlStores, by: Actor) -> None:
    """The new metadata replaces all of the old. Other accounts keep theirs."""
    ada = stores.accounts.create("ada", Role.USER, [], by)
    bob = stores.accounts.create("bob", Role.USER, [], by)
    stores.account_data.set_metadata(bob.id, {"status": "here"})
    stores.account_data.set_metadata(ada.id, {"url": "http://a", "avatar": "é"})
    stores.account_data.set_metadata(ada.id, {"avatar": "", "color": "red"})
    assert stores.account_data.load(ada.id).metadata == {"avatar": "", "color": "red"}
    assert stores.account_data.load(bob.id).metadata == {"status": "here"}


def test_they_go_with_the_account(stores: SqlStores, by: Actor) -> None:
    """Account data is deleted with its account, and nothing is written for a deleted account."""
    ada = stores.accounts.create("ada", Role.USER, [], by)
    stores.account_data.set_marker(ada.id, "#a", 1000)
    stores.account_data.set_metadata(ada.id, {"url": "x"})
    stores.accounts.delete(ada.id, by)
    stores.account_data.set_marker(ada.id, "#b", 1000)
    stores.account_data.set_metadata(ada.id, {"url": "y"})
    for table in ("read_markers", "account_metadata"):
        assert stores.database.number(f"SELECT count(*) FROM {table}") == 0
