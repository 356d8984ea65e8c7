"""What is stored under the name of an account follows it to another name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatroom.chat.stored.entries import Entry, Kind, Search, next_message_id
from chatroom.chat.stored.records import Account, Actor, ListEntry, Role, StoredChannel
from chatroom.errors import AlreadyExists, NotFound, Refused
from chatroom.storage.opening import open_journal, open_upkeep
from chatroom.storage.sql import history_archive
from chatroom.storage.sql.sql_stores import SqlStores

AT_MS = 1_900_000_000_000


@pytest.fixture
def bob(stores: SqlStores, by: Actor) -> Account:
    """The account bob, beside eve."""
    stores.accounts.create("eve", Role.USER, [], by)
    return stores.accounts.create("bob", Role.USER, [], by)


def channel(*masks: str) -> StoredChannel:
    """A channel with these bans."""
    at = datetime(2030, 1, 1, tzinfo=UTC)
    return StoredChannel("#a", None, at, lists=tuple(ListEntry("b", mask, "x", at) for mask in masks))


def masks(stores: SqlStores) -> list[str]:
    """The bans of the channel."""
    found = stores.channels.find("#a")
    assert found is not None
    return [entry.mask for entry in found.lists]


def say(stores: SqlStores, *accounts: Account) -> None:
    """Have each account say hello under its present name."""
    journal = open_journal(stores.address)
    entries, last = [], journal.last_message_id()
    for account in accounts:
        last = next_message_id(last, AT_MS)
        source = f"{account.name}!u@h"
        entries.append(Entry(last, AT_MS, "#a", Kind.PRIVMSG, source, account.id, account.name, "#a", "hello"))
    assert journal.begin()
    journal.write(entries)
    journal.commit()
    journal.close()


def test_the_name(stores: SqlStores, bob: Account, by: Actor) -> None:
    """The old name is free, and the audit and the log of changes have the renaming."""
    renamed = stores.accounts.rename(bob.id, "Robert", by)
    assert (renamed.account.id, renamed.account.name, renamed.ban_ids) == (bob.id, "Robert", [])
    assert stores.accounts.find("bob") is None
    entry = stores.audit.list_entries()[-1]
    assert (entry.action, entry.target, entry.detail) == ("user.rename", "bob", "Robert")
    assert stores.accounts.rename(bob.id, "ROBERT", by).account.name == "ROBERT"
    stores.accounts.create("bob", Role.USER, [], by)


def test_names_that_cannot_be(stores: SqlStores, bob: Account, by: Actor) -> None:
    """A taken name and a banned one are refused, and nothing is changed."""
    stores.bans.add("name", "mallory", "", None, by)
    with pytest.raises(AlreadyExists, match="eve"):
        stores.accounts.rename(bob.id, "EVE", by)
    with pytest.raises(Refused, match="ban 1"):
        stores.accounts.rename(bob.id, "Mallory", by)
    with pytest.raises(NotFound):
        stores.accounts.rename(99, "x", by)
    assert stores.accounts.get("bob").id == bob.id


def test_a_ban_follows(stores: SqlStores, bob: Account, by: Actor, clock: object) -> None:
    """A banned account stays banned, and its old name is not."""
    old = stores.bans.add("name", "Bob", "spam", None, by)
    now = clock.now  # type: ignore[attr-defined]
    assert stores.accounts.rename(bob.id, "robert", by).ban_ids == [old.id]
    rule = stores.bans.find_rule(old.id, now)
    assert rule is not None and (rule.name, rule.target, rule.reason) == ("robert", "robert", "spam")
    assert stores.bans.find_in_force("name", "bob", now) is None


def test_read_markers_and_masks_follow(stores: SqlStores, bob: Account, by: Actor) -> None:
    """Others keep the read markers of their talks with the account; channels keep it out as before."""
    eve = stores.accounts.get("eve")
    stores.account_data.set_marker(eve.id, "bob", 7)
    stores.account_data.set_marker(eve.id, "robert", 3)
    stores.channels.save(channel("~a:Bob", "~m:~a:bob", "bob!*@*", "~a:bobby", "~a:robert"), by, "", "")
    stores.accounts.rename(bob.id, "Robert", by)
    assert stores.account_data.load(eve.id).markers == {"robert": 7}
    assert masks(stores) == ["~a:Robert", "~m:~a:Robert", "bob!*@*", "~a:bobby"]


@pytest.mark.parametrize("is_indexed", [False, True])
def test_the_history_is_its_own(stores: SqlStores, bob: Account, by: Actor, is_indexed: bool) -> None:
    """What was said under the old name is found by the new one and shown with it, and not with a later bob's."""
    say(stores, bob)
    renamed = stores.accounts.rename(bob.id, "robert", by).account
    later = stores.accounts.create("bob", Role.USER, [], by)
    say(stores, renamed, later)
    if is_indexed:
        upkeep = open_upkeep(stores.address)
        while upkeep.index_some():
            pass
        upkeep.close()

    def found(sender: str) -> list[tuple[int | None, str]]:
        return [(entry.account_id, entry.account) for entry in stores.history.search(Search("", sender=sender))]

    assert found("robert") == [(bob.id, "robert")] * 2
    # The nick of the first message was bob.
    assert found("bob") == [(bob.id, "robert"), (later.id, "bob")]
    stores.accounts.delete(bob.id, by)
    assert found("robert") == [(bob.id, "robert")]


def test_an_exported_history_finds_the_account(stores: SqlStores, bob: Account, by: Actor) -> None:
    """A line from before the renaming has the old name; one from after it does not mean this account."""
    before_ms = stores.database.now_ms()
    with stores.database.transaction():
        stores.database.execute("UPDATE accounts SET created_ms = created_ms - 1000")
    stores.accounts.rename(bob.id, "robert", by)
    assert history_archive.find_account(stores.database, "bob", before_ms - 1) == bob.id
    assert history_archive.find_account(stores.database, "robert", before_ms) == bob.id
    assert history_archive.find_account(stores.database, "bob", before_ms + 1) is None
