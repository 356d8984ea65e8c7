"""The certificates by which clients log in to accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chatroom.chat.stored.records import MOST_CERTIFICATES, Account, Actor, ClientCertificate, Credential, Role
from chatroom.errors import AlreadyExists, NotFound, NotPermitted, TooMany
from chatroom.storage.sql.sql_stores import SqlStores

ONE, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def ada(stores: SqlStores, by: Actor) -> Account:
    """An account."""
    return stores.accounts.create("ada", Role.USER, [], by)


@pytest.fixture
def bob(stores: SqlStores, by: Actor) -> Account:
    """Another account."""
    return stores.accounts.create("bob", Role.USER, [], by)


def actions(stores: SqlStores) -> list[tuple[str, str, str]]:
    """What the audit has of certificates: action, account and detail."""
    rows = [(row.action, row.target, row.detail) for row in stores.audit.list_entries()]
    return [row for row in rows if row[0].startswith("user.cert")]


def test_added_listed_and_removed(stores: SqlStores, by: Actor, clock: Any, ada: Account) -> None:
    """An account lists its certificates, the oldest first, and each change is in the audit."""
    first = stores.client_certificates.add(ada.id, ONE, by)
    assert first == ClientCertificate(ONE, ada.id, clock.now, None)
    clock.advance(seconds=1)
    second = stores.client_certificates.add(ada.id, OTHER, by, shown=True)
    assert second.shown_at == clock.now
    assert stores.client_certificates.list_of(ada.id) == [first, second]
    assert stores.client_certificates.find(OTHER) == second
    stores.client_certificates.remove(ada.id, ONE, by)
    assert stores.client_certificates.find(ONE) is None
    assert stores.client_certificates.count(ada.id) == 1
    assert actions(stores) == [
        ("user.cert-add", "ada", ONE),
        ("user.cert-add", "ada", OTHER),
        ("user.cert-remove", "ada", ONE),
    ]


def test_a_password_that_was_replaced_adds_none(stores: SqlStores, by: Actor, ada: Account) -> None:
    """The transaction that adds a certificate compares too, so no change of the password comes in between."""
    stores.accounts.set_credentials(ada.id, [Credential("bcrypt", "$2b$04$new")], by)
    with pytest.raises(NotPermitted, match="changed just now"):
        stores.client_certificates.add(ada.id, ONE, by, known_changes=ada.password_changes)
    assert stores.client_certificates.find(ONE) is None
    added = stores.client_certificates.add(ada.id, ONE, by, known_changes=ada.password_changes + 1)
    assert added.account_id == ada.id


def test_a_certificate_has_one_account(stores: SqlStores, by: Actor, ada: Account, bob: Account) -> None:
    """Neither the same account nor another can add it again; only its account can remove it."""
    stores.client_certificates.add(ada.id, ONE, by)
    with pytest.raises(AlreadyExists, match="the account has"):
        stores.client_certificates.add(ada.id, ONE, by, shown=True)
    with pytest.raises(AlreadyExists, match="another account has"):
        stores.client_certificates.add(bob.id, ONE, by)
    with pytest.raises(NotFound):
        stores.client_certificates.remove(bob.id, ONE, by)
    with pytest.raises(NotFound):
        stores.client_certificates.remove(ada.id, OTHER, by)
    assert [one.account_id for one in stores.client_certificates.list_of(ada.id)] == [ada.id]


def test_who_shows_a_certificate_takes_it_from_who_typed_it(
    stores: SqlStores, by: Actor, ada: Account, bob: Account
) -> None:
    """A fingerprint is no secret, so an account that only knows it does not keep the owner out. A proven one stays."""
    stores.client_certificates.add(ada.id, ONE, by)
    taken = stores.client_certificates.add(bob.id, ONE, by, shown=True)
    assert taken.account_id == bob.id
    assert stores.client_certificates.list_of(ada.id) == []
    with pytest.raises(AlreadyExists):
        stores.client_certificates.add(ada.id, ONE, by, shown=True)
    assert actions(stores)[-2:] == [
        ("user.cert-remove", "ada", f"{ONE} (shown by bob)"),
        ("user.cert-add", "bob", ONE),
    ]


def test_a_login_is_a_proof_too(stores: SqlStores, by: Actor, clock: Any, ada: Account, bob: Account) -> None:
    """It sets the time, and from then on no other account takes the certificate."""
    stores.client_certificates.add(ada.id, ONE, by)
    at = clock.now + timedelta(hours=1)
    stores.client_certificates.record_login(ONE, at)
    stores.client_certificates.record_login(OTHER, at)
    (stored,) = stores.client_certificates.list_of(ada.id)
    assert stored.shown_at == at
    with pytest.raises(AlreadyExists):
        stores.client_certificates.add(bob.id, ONE, by, shown=True)


def test_an_account_has_a_limited_number(stores: SqlStores, by: Actor, ada: Account, bob: Account) -> None:
    """The refusal changes nothing, also if the certificate would be taken from another account."""
    for number in range(MOST_CERTIFICATES):
        stores.client_certificates.add(ada.id, f"{number:064x}", by)
    stores.client_certificates.add(bob.id, ONE, by)
    with pytest.raises(TooMany, match=str(MOST_CERTIFICATES)):
        stores.client_certificates.add(ada.id, ONE, by, shown=True)
    assert stores.client_certificates.count(ada.id) == MOST_CERTIFICATES
    assert stores.client_certificates.count(bob.id) == 1


def test_they_go_with_the_account(stores: SqlStores, by: Actor, ada: Account, bob: Account) -> None:
    """A deleted account leaves its certificate to others, and none is added to an account that is gone."""
    stores.client_certificates.add(ada.id, ONE, by, shown=True)
    stores.accounts.delete(ada.id, by)
    assert stores.client_certificates.find(ONE) is None
    stores.client_certificates.add(bob.id, ONE, by)
    with pytest.raises(NotFound):
        stores.client_certificates.add(ada.id, OTHER, by)


def test_they_stay_if_the_password_changes_or_the_account_is_disabled(
    stores: SqlStores, by: Actor, ada: Account
) -> None:
    """They are credentials of their own."""
    stores.client_certificates.add(ada.id, ONE, by)
    stores.accounts.set_credentials(ada.id, [], by)
    stores.accounts.set_disabled(ada.id, True, by)
    assert stores.client_certificates.count(ada.id) == 1


@pytest.mark.parametrize("text", ["", "AB" * 32, "ab" * 31, "xy" * 32])
def test_only_a_normal_fingerprint_is_stored(
    stores: SqlStores, misfit: type[Exception], by: Actor, ada: Account, text: str
) -> None:
    """Any other text would never match what a client shows."""
    with pytest.raises(misfit, match=r"(?i)check"):
        stores.client_certificates.add(ada.id, text, by)
