from __future__ import annotations

from chatroom.chat.stored.records import Actor, FailedLogins
from chatroom.storage.sql.sql_stores import SqlStores


def test_counts_come_back_in_the_order_of_their_last_failures(stores: SqlStores) -> None:
    """A later count replaces an earlier one, and 0 removes it."""
    stores.failed_logins.save([FailedLogins("b", 1, 10), FailedLogins("a", 2, 20), FailedLogins("c", 3, 5)])
    stores.failed_logins.save([FailedLogins("b", 4, 30), FailedLogins("c", 0, 0), FailedLogins("none", 0, 0)])
    assert stores.failed_logins.load(9) == [FailedLogins("a", 2, 20), FailedLogins("b", 4, 30)]
    assert stores.failed_logins.find("a") == FailedLogins("a", 2, 20)
    assert stores.failed_logins.find("c") is None
    assert stores.last_change_id() == 0


def test_only_the_newest_stay(stores: SqlStores) -> None:
    """What a killed daemon could not remove any more does not add up."""
    rows = [FailedLogins(f"k{number}", 1, number) for number in range(7)]
    stores.failed_logins.save(rows)
    assert stores.failed_logins.load(3) == rows[-3:]
    assert stores.failed_logins.load(9) == rows[-3:]


def test_a_lift_is_in_the_audit(stores: SqlStores, by: Actor) -> None:
    """With the target as people write it."""
    stores.failed_logins.save([FailedLogins("account una", 5, 1), FailedLogins("account bob", 5, 1)])
    assert stores.failed_logins.lift(["account una", "account nobody"], "una", by) == 1
    assert [row.key for row in stores.failed_logins.load(9)] == ["account bob"]
    (entry,) = stores.audit.list_entries()
    assert (entry.action, entry.target, entry.actor) == ("user.lift-delay", "una", by.name)
