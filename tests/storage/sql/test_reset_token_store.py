"""Tokens for a new password in the database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.verifiers import find_verifier

from chatroom.chat.admission.tokens import make_secret, make_token
from chatroom.chat.stored.records import Account, Actor, Credential, Role
from chatroom.errors import NotFound, WrongToken
from chatroom.storage.sql.sql_stores import SqlStores

NEW = [Credential("bcrypt", "$2b$04$new")]
BOB = Actor("bob", "192.0.2.1")


@pytest.fixture
def bob(stores: SqlStores, by: Actor) -> Account:
    """An account."""
    return stores.accounts.create("Bob", Role.USER, [Credential("bcrypt", "$2b$04$old")], by)


def test_a_token_replaces_the_password_once(stores: SqlStores, by: Actor, bob: Account, path: Path) -> None:
    """The audit has who made it and who used it, and neither the database nor its log has the token."""
    token, until_at = stores.reset_tokens.add(bob.id, 3600, by)
    assert (until_at - bob.created_at).total_seconds() == 3600
    secret = token.partition("-")[2].encode()
    assert not any(secret in file.read_bytes() for file in path.parent.iterdir())
    assert stores.reset_tokens.check("bOB", token) == bob
    changed = stores.reset_tokens.use("bob", token, NEW, BOB)
    assert changed.password_changes == bob.password_changes + 1
    assert find_verifier(stores, "bob") == "$2b$04$new"
    rows = [(row.actor, row.action, row.target, row.detail) for row in stores.audit.list_entries()][1:]
    assert rows == [
        ("root", "user.reset-token", "Bob", "until 2030-05-01 13:00 UTC"),
        ("bob", "user.passwd", "Bob", "reset token of root"),
    ]
    with pytest.raises(WrongToken, match=r"^There is no such token for this account$"):
        stores.reset_tokens.use("bob", token, NEW, BOB)


def test_a_token_ends(stores: SqlStores, by: Actor, bob: Account, clock: Callable[[], object]) -> None:
    """Its holder reads when it did."""
    token, _ = stores.reset_tokens.add(bob.id, 3600, by)
    clock.advance(hours=1)  # type: ignore[attr-defined]
    with pytest.raises(WrongToken, match=r"ended at 2030-05-01 13:00 UTC"):
        stores.reset_tokens.use("bob", token, NEW, BOB)
    assert find_verifier(stores, "bob") == "$2b$04$old"


def test_a_token_is_of_one_account(stores: SqlStores, by: Actor, bob: Account) -> None:
    """Not of another one, and no other secret opens it."""
    other = stores.accounts.create("eve", Role.USER, [], by)
    token, _ = stores.reset_tokens.add(bob.id, 3600, by)
    secret = token.partition("-")[2]
    for name, wrong in (
        ("eve", token),
        ("eve", make_token(other.id, secret)),
        ("bob", make_token(bob.id, make_secret())),
        ("bob", ""),
        ("nobody", token),
    ):
        with pytest.raises(WrongToken):
            stores.reset_tokens.check(name, wrong)
    with pytest.raises(NotFound):
        stores.reset_tokens.add(99, 3600, by)


def test_a_newer_token_or_password_voids_it(stores: SqlStores, by: Actor, bob: Account) -> None:
    """An old letter must not open the account later."""
    first, _ = stores.reset_tokens.add(bob.id, 3600, by)
    second, _ = stores.reset_tokens.add(bob.id, 3600, by)
    with pytest.raises(WrongToken):
        stores.reset_tokens.check("bob", first)
    assert stores.reset_tokens.check("bob", second) == bob
    stores.accounts.set_credentials(bob.id, NEW, by)
    with pytest.raises(WrongToken):
        stores.reset_tokens.check("bob", second)


def test_a_token_goes_with_its_account(stores: SqlStores, by: Actor, bob: Account) -> None:
    """A later account of the name has another id."""
    token, _ = stores.reset_tokens.add(bob.id, 3600, by)
    stores.accounts.delete(bob.id, by)
    stores.accounts.create("bob", Role.USER, [], by)
    with pytest.raises(WrongToken):
        stores.reset_tokens.check("bob", token)
