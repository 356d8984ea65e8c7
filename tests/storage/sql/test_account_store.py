from __future__ import annotations

from datetime import UTC, datetime

import pytest
from harness.verifiers import find_verifier

from chatroom.chat.stored.records import AccountEntry, Actor, Credential, Role, StoredChannel
from chatroom.errors import AlreadyExists, NotFound
from chatroom.storage.sql.sql_stores import SqlStores

SECRET = Credential("bcrypt", "$2b$04$one")
OTHER = Credential("bcrypt", "$2b$04$two")


def test_created_account_is_found_whatever_its_case(stores: SqlStores, by: Actor) -> None:
    """An account comes back as it was created, under any case of its name and under its id."""
    account = stores.accounts.create("Ada", Role.MODERATOR, [SECRET], by)
    assert (account.name, account.role, account.disabled, account.last_login_at) == ("Ada", Role.MODERATOR, False, None)
    assert account.created_at == datetime(2030, 5, 1, 12, 0, 0, 123000, tzinfo=UTC)
    assert stores.accounts.find("aDA") == stores.accounts.get("ADA") == account
    assert stores.accounts.find_by_id(account.id) == account
    assert stores.accounts.find_with_credentials("ADA") == (account, {"bcrypt": SECRET.value})


def test_name_is_taken_in_any_case_of_ascii_only(stores: SqlStores, by: Actor) -> None:
    """A name that differs only in the case of ASCII letters is taken. The case of other letters makes another name."""
    stores.accounts.create("Ärger", Role.USER, [], by)
    with pytest.raises(AlreadyExists, match="Ärger"):
        stores.accounts.create("ÄRGER", Role.USER, [], by)
    stores.accounts.create("ärger", Role.USER, [], by)
    assert len(stores.accounts.list_all()) == 2


def test_refused_creation_leaves_nothing(stores: SqlStores, by: Actor) -> None:
    """A refused creation writes no credential, audit or changes row."""
    stores.accounts.create("ada", Role.USER, [SECRET], by)
    before = stores.last_change_id(), len(stores.audit.list_entries())
    with pytest.raises(AlreadyExists):
        stores.accounts.create("ADA", Role.ADMIN, [OTHER], by)
    assert (stores.last_change_id(), len(stores.audit.list_entries())) == before
    assert find_verifier(stores, "ada") == SECRET.value


def test_unknown_accounts(stores: SqlStores, by: Actor) -> None:
    """A missing account is None or NotFound, and nothing is written for it."""
    accounts = stores.accounts
    assert (accounts.find("nobody"), accounts.find_by_id(7), accounts.find_entry(7)) == (None, None, None)
    with pytest.raises(NotFound, match="nobody"):
        accounts.get("nobody")
    for refused in (
        lambda: accounts.set_credentials(7, [SECRET], by),
        lambda: accounts.set_role(7, Role.ADMIN, by),
        lambda: accounts.set_disabled(7, True, by),
        lambda: accounts.delete(7, by),
    ):
        with pytest.raises(NotFound):
            refused()
    assert stores.last_change_id() == 0
    assert stores.audit.list_entries() == []


def test_accounts_are_listed_by_name(stores: SqlStores, by: Actor) -> None:
    """The list is sorted by casefolded name. The entries are the same accounts."""
    for name in ("zoe", "Bob", "ada"):
        stores.accounts.create(name, Role.USER, [], by)
    assert [account.name for account in stores.accounts.list_all()] == ["ada", "Bob", "zoe"]
    assert sorted(stores.accounts.load_entries()) == [
        AccountEntry(1, "zoe", Role.USER, False),
        AccountEntry(2, "Bob", Role.USER, False),
        AccountEntry(3, "ada", Role.USER, False),
    ]


def test_role_and_disabled_change(stores: SqlStores, by: Actor) -> None:
    """A changed role or state shows in the account and in its entry, and only enabled admins are counted."""
    account = stores.accounts.create("ada", Role.USER, [], by)
    assert stores.accounts.count_admins() == 0
    assert stores.accounts.set_role(account.id, Role.ADMIN, by).role is Role.ADMIN
    assert stores.accounts.count_admins() == 1
    assert stores.accounts.set_disabled(account.id, True, by).disabled
    assert stores.accounts.find_entry(account.id) == AccountEntry(account.id, "ada", Role.ADMIN, True)
    assert stores.accounts.count_admins() == 0
    assert not stores.accounts.set_disabled(account.id, False, by).disabled
    assert stores.accounts.count_admins() == 1


def test_new_password_replaces_every_verifier(stores: SqlStores, by: Actor) -> None:
    """New credentials replace those of other kinds too, because these were made from the old password."""
    account = stores.accounts.create("ada", Role.USER, [SECRET, Credential("scram", "old")], by)
    stores.accounts.set_credentials(account.id, [OTHER], by)
    assert stores.accounts.find_with_credentials("ada")[1] == {"bcrypt": OTHER.value}


def test_rehash_does_not_undo_a_new_password(stores: SqlStores, by: Actor) -> None:
    """A verifier made from the old password is not stored if the password was changed meanwhile."""
    account = stores.accounts.create("ada", Role.USER, [SECRET], by)
    rehashed = Credential("bcrypt", "$2b$12$one")
    stores.accounts.set_credentials(account.id, [OTHER], by)
    stores.accounts.upgrade_credential(account.id, SECRET.value, rehashed)
    assert find_verifier(stores, "ada") == OTHER.value
    stores.accounts.upgrade_credential(account.id, OTHER.value, rehashed)
    assert find_verifier(stores, "ada") == rehashed.value


def test_login_is_noted_without_audit_or_change(stores: SqlStores, by: Actor) -> None:
    """The time of a login is stored to the millisecond, and no change is logged."""
    account = stores.accounts.create("ada", Role.USER, [], by)
    before = stores.last_change_id(), len(stores.audit.list_entries())
    stores.accounts.record_login(account.id, datetime(2031, 1, 2, 3, 4, 5, 678999, tzinfo=UTC))
    assert stores.accounts.get("ada").last_login_at == datetime(2031, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert (stores.last_change_id(), len(stores.audit.list_entries())) == before


def test_deleted_id_is_never_used_again(stores: SqlStores, by: Actor) -> None:
    """After a deletion the name is free, the verifiers are gone, and the next account has another id."""
    account = stores.accounts.create("ada", Role.USER, [SECRET], by)
    stores.accounts.delete(account.id, by)
    assert stores.accounts.find_with_credentials("ada") == (None, {})
    assert stores.database.number("SELECT count(*) FROM credentials") == 0
    assert stores.accounts.create("ada", Role.USER, [], by).id > account.id


def test_deletion_takes_access_and_founder_from_channels(stores: SqlStores, by: Actor) -> None:
    """A deleted account is no founder and has no access to a channel. These channels are logged as changed."""
    ada = stores.accounts.create("ada", Role.USER, [], by)
    bob = stores.accounts.create("bob", Role.USER, [], by)
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    stores.channels.save(StoredChannel("#a", ada.id, moment, access={ada.id: "founder", bob.id: "v"}), by, "", "")
    stores.channels.save(StoredChannel("#b", bob.id, moment, access={ada.id: "o"}), by, "", "")
    stores.channels.save(StoredChannel("#c", bob.id, moment, access={bob.id: "founder"}), by, "", "")
    before = stores.last_change_id()
    stores.accounts.delete(ada.id, by)
    channels = {channel.name: channel for channel in stores.channels.load_all()}
    assert (channels["#a"].founder_id, channels["#a"].access) == (None, {bob.id: "v"})
    assert (channels["#b"].founder_id, channels["#b"].access) == (bob.id, {})
    assert channels["#c"].access == {bob.id: "founder"}
    rows = stores.database.rows("SELECT tbl, row_id FROM changes WHERE id > ?", (before,))
    assert rows == [("accounts", ada.id), ("channels", 1), ("channels", 2)]


def test_every_mutation_is_audited(stores: SqlStores, by: Actor) -> None:
    """Each change of an account adds one audit row with actor, origin, action and target."""
    account = stores.accounts.create("Ada", Role.USER, [], by)
    other = Actor("bob", "192.0.2.7")
    stores.accounts.set_credentials(account.id, [SECRET], other)
    stores.accounts.set_role(account.id, Role.MODERATOR, other)
    stores.accounts.set_disabled(account.id, True, by)
    stores.accounts.set_disabled(account.id, False, by)
    stores.accounts.delete(account.id, by)
    entries = stores.audit.list_entries()
    assert [(entry.actor, entry.origin, entry.action, entry.target, entry.detail) for entry in entries] == [
        ("root", "cli", "user.create", "Ada", "role user"),
        ("bob", "192.0.2.7", "user.passwd", "Ada", ""),
        ("bob", "192.0.2.7", "user.set-role", "Ada", "user to moderator"),
        ("root", "cli", "user.disable", "Ada", ""),
        ("root", "cli", "user.enable", "Ada", ""),
        ("root", "cli", "user.delete", "Ada", "role moderator"),
    ]
    assert all("$2b$" not in entry.detail for entry in entries)


def test_a_further_verifier_is_added_beside_the_one_it_was_made_with(stores: SqlStores, by: Actor) -> None:
    """A verifier is added or replaced if the password is still the same, and not after it was changed."""
    account = stores.accounts.create("ada", Role.USER, [SECRET], by)
    for value in ("one", "two"):
        stores.accounts.add_credential(account.id, SECRET.value, Credential("scram-sha-256", value))
        assert find_verifier(stores, "ada", "scram-sha-256") == value
    stores.accounts.set_credentials(account.id, [OTHER], by)
    stores.accounts.add_credential(account.id, SECRET.value, Credential("scram-sha-256", "stale"))
    assert stores.accounts.find_with_credentials("ada")[1] == {"bcrypt": OTHER.value}
