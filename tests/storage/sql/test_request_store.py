"""Requests for accounts in the database."""

from __future__ import annotations

from typing import Any

import pytest
from harness.verifiers import find_verifier

from chatroom.chat.stored.invite_records import NewAccount, NewInvite
from chatroom.chat.stored.records import Actor, Credential, Role
from chatroom.chat.stored.request_records import MOST_REQUESTS
from chatroom.errors import AlreadyExists, NotFound, TooMany
from chatroom.storage.sql.sql_stores import SqlStores

ORIGIN = "192.0.2.1"
ZOE = NewAccount("Zoe", [Credential("bcrypt", "$2b$04$x"), Credential("scram-sha-256", "y")], "zoe@example.org")


def audit(stores: SqlStores) -> list[tuple[str, str, str, str]]:
    """What the audit has."""
    return [(row.actor, row.action, row.target, row.detail) for row in stores.audit.list_entries()]


def test_a_request_is_kept_with_its_verifiers(stores: SqlStores) -> None:
    """It is found by its name in any case, and the audit has nothing of it: anybody can ask."""
    kept = stores.requests.add(ZOE, ORIGIN)
    assert (kept.id, kept.name, kept.email, kept.origin) == (1, "Zoe", "zoe@example.org", ORIGIN)
    assert stores.requests.find("zOE") == kept
    assert stores.requests.list_all() == [kept]
    assert stores.requests.get_account(1) == ZOE
    assert stores.requests.find_credential("zoe", "bcrypt") == "$2b$04$x"
    assert stores.requests.find_credential("zoe", "x") is None
    assert stores.requests.find("yan") is None
    assert audit(stores) == []
    assert stores.accounts.find("zoe") is None


def test_an_approved_one_is_an_account(stores: SqlStores, by: Actor) -> None:
    """With its verifiers and its address. The request is gone, and the audit has who approved it."""
    kept = stores.requests.add(ZOE, ORIGIN)
    request, account = stores.requests.approve("ZOE", by)
    assert request == kept
    assert (account.name, account.role) == ("Zoe", Role.USER)
    assert stores.accounts.find_email(account.id) == "zoe@example.org"
    assert find_verifier(stores, "zoe", "scram-sha-256") == "y"
    assert stores.requests.list_all() == []
    assert audit(stores) == [
        ("root", "user.approve", "Zoe", f"asked for from {ORIGIN}"),
        ("root", "user.create", "Zoe", "role user"),
    ]
    with pytest.raises(NotFound):
        stores.requests.approve("zoe", by)
    assert stores.database.number("SELECT count(*) FROM request_credentials") == 0


def test_a_rejected_one_is_gone(stores: SqlStores, by: Actor) -> None:
    """The audit has the reason. The name can be asked for again, with another id."""
    stores.requests.add(ZOE, ORIGIN)
    assert stores.requests.reject("zoe", by, "who are you?").name == "Zoe"
    assert audit(stores) == [("root", "user.reject", "Zoe", f"asked for from {ORIGIN}: who are you?")]
    assert stores.accounts.find("zoe") is None
    with pytest.raises(NotFound):
        stores.requests.reject("zoe", by)
    with pytest.raises(NotFound):
        stores.requests.get_account(1)
    assert stores.requests.add(ZOE, ORIGIN).id == 2


def test_old_ones_end(stores: SqlStores, by: Actor, clock: Any) -> None:
    """The audit has each of them with the reason, and the names can be asked for again."""
    first = stores.requests.add(ZOE, ORIGIN)
    clock.advance(seconds=1)
    between = clock.now
    young = stores.requests.add(ZOE._replace(name="yan"), ORIGIN)
    assert stores.requests.end_older(first.created_at, by, "too late") == []
    assert stores.requests.end_older(between, by, "too late") == [first]
    assert stores.requests.list_all() == [young]
    assert audit(stores) == [("root", "user.reject", "Zoe", f"asked for from {ORIGIN}: too late")]
    assert stores.database.number("SELECT count(*) FROM request_credentials WHERE request_id = ?", (first.id,)) == 0
    stores.requests.add(ZOE, ORIGIN)


def test_a_name_is_asked_for_once(stores: SqlStores, by: Actor) -> None:
    """Not if an account or another request has it."""
    stores.requests.add(ZOE, ORIGIN)
    with pytest.raises(AlreadyExists, match="zoe waits for a moderator already"):
        stores.requests.add(ZOE._replace(name="zoe"), ORIGIN)
    stores.accounts.create("yan", Role.USER, [], by)
    with pytest.raises(AlreadyExists, match="Yan is registered already"):
        stores.requests.add(ZOE._replace(name="Yan"), ORIGIN)


def test_an_account_that_is_made_otherwise_ends_the_request(stores: SqlStores, by: Actor) -> None:
    """By the shell, or with an invite."""
    stores.requests.add(ZOE, ORIGIN)
    stores.accounts.create("zoe", Role.USER, [], by)
    assert stores.requests.list_all() == []
    stores.requests.add(ZOE._replace(name="yan"), ORIGIN)
    token = stores.invites.add(NewInvite(1, 60), by).token
    stores.invites.register(token, stores.requests.get_account(2), by)
    assert stores.requests.list_all() == []
    assert [account.name for account in stores.accounts.list_all()] == ["yan", "zoe"]


def test_requests_have_a_bound(stores: SqlStores) -> None:
    """Whoever has many addresses must not fill the disk."""
    with stores.together():
        for number in range(MOST_REQUESTS):
            stores.requests.add(ZOE._replace(name=f"zoe{number}"), ORIGIN)
    with pytest.raises(TooMany):
        stores.requests.add(ZOE, ORIGIN)
