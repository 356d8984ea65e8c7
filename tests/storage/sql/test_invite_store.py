"""Invites in the database: counted with the account that they make, and never with their token."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from harness.verifiers import find_verifier

from chatroom.chat.admission.tokens import make_secret, make_token
from chatroom.chat.stored.invite_records import MOST_INVITES, NewAccount, NewInvite
from chatroom.chat.stored.records import Actor, Change, Credential, Role
from chatroom.errors import AlreadyExists, NotFound, TooMany, WrongToken
from chatroom.storage.sql import invite_store
from chatroom.storage.sql.sql_stores import SqlStores

DAY_S = 86_400
GUEST = Actor("zoe", "192.0.2.1")


def new(name: str = "zoe") -> NewAccount:
    """An account to make."""
    return NewAccount(name, [Credential("bcrypt", "$2b$04$x")], None)


def audit(stores: SqlStores) -> list[tuple[str, str, str, str]]:
    """What the audit has."""
    return [(row.actor, row.action, row.target, row.detail) for row in stores.audit.list_entries()]


def test_an_invite_is_stored_without_its_token(stores: SqlStores, by: Actor, path: Path) -> None:
    """The audit names it by its id. Neither the database nor its log has the secret."""
    made, token = stores.invites.add(NewInvite(2, DAY_S, "#tea"), by)
    assert (made.id, made.uses, made.used, made.channel, made.by, made.used_at) == (1, 2, 0, "#tea", "root", None)
    assert made.until_at - made.created_at == timedelta(days=1)
    assert stores.invites.find(1) == stores.invites.check(token) == made
    assert stores.invites.list_all() == [made]
    assert audit(stores) == [("root", "invite.create", "invite 1", "2 uses, until 2030-05-02 12:00 UTC, #tea")]
    secret = token.partition("-")[2].encode()
    assert len(secret) == 32
    assert not any(secret in file.read_bytes() for file in path.parent.iterdir())


def test_it_makes_an_account_and_counts_it(
    stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]
) -> None:
    """The account is a user's. The audit has the invite's id, and a running daemon learns of the account."""
    _, token = stores.invites.add(NewInvite(1, DAY_S), by)
    account, invite = stores.invites.register(token, new()._replace(email="zoe@example.org"), GUEST)
    assert (account.name, account.role, account.disabled) == ("zoe", Role.USER, False)
    assert stores.accounts.find("zoe") == account
    assert stores.accounts.find_email(account.id) == "zoe@example.org"
    assert find_verifier(stores, "zoe") == "$2b$04$x"
    assert (invite.used, invite.used_at) == (1, account.created_at)
    assert audit(stores)[1:] == [("zoe", "user.create", "zoe", "role user, invite 1")]
    assert open_another("daemon:x").changes_after(0) == [Change(1, "accounts", account.id, "cli")]


def test_a_used_up_or_ended_invite_says_so(stores: SqlStores, by: Actor, clock: Callable[[], object]) -> None:
    """To its holder. A wrong secret says nothing of the invite, whatever its state."""
    _, once = stores.invites.add(NewInvite(1, DAY_S), by)
    _, late = stores.invites.add(NewInvite(1, DAY_S), by)
    stores.invites.register(once, new(), GUEST)
    with pytest.raises(WrongToken, match="This invite is used up"):
        stores.invites.register(once, new("yan"), GUEST)
    clock.advance(days=1)  # type: ignore[attr-defined]
    with pytest.raises(WrongToken, match="ended at 2030-05-02 12:00 UTC"):
        stores.invites.register(late, new("yan"), GUEST)
    for wrong in (make_token(1, make_secret()), make_token(9, make_secret()), late[:-1], f"{late}x", "", "nonsense"):
        with pytest.raises(WrongToken, match=r"^There is no such invite$"):
            stores.invites.check(wrong)
    assert stores.accounts.find("yan") is None


def test_a_taken_name_uses_nothing(stores: SqlStores, by: Actor) -> None:
    """The account and the count are one transaction."""
    stores.accounts.create("Zoe", Role.USER, [], by)
    made, token = stores.invites.add(NewInvite(1, DAY_S), by)
    with pytest.raises(AlreadyExists):
        stores.invites.register(token, new(), GUEST)
    assert stores.invites.check(token) == made


def test_the_last_use_is_one_account(stores: SqlStores, by: Actor, opener: Callable[..., SqlStores]) -> None:
    """Eight connections race for it, each in a thread of its own."""
    _, token = stores.invites.add(NewInvite(3, DAY_S), by)
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def register(number: int) -> None:
        with opener(writer=f"w{number}") as own:
            # The clock of this connection is the real one, at which the invite of the test is far from its end.
            start.wait()
            try:
                own.invites.register(token, new(f"user{number}"), GUEST)
                outcomes.append("made")
            except WrongToken as error:
                outcomes.append(str(error))

    threads = [threading.Thread(target=register, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["This invite is used up"] * 5 + ["made"] * 3
    assert len(stores.accounts.list_all()) == 3


def test_a_removed_invite_opens_nothing(stores: SqlStores, by: Actor) -> None:
    """Its accounts stay, and its id is not given out again."""
    _, token = stores.invites.add(NewInvite(2, DAY_S), by)
    stores.invites.register(token, new(), GUEST)
    assert stores.invites.remove(1, by).used == 1
    assert audit(stores)[-1] == ("root", "invite.remove", "invite 1", "used 1 of 2 times")
    with pytest.raises(WrongToken):
        stores.invites.check(token)
    with pytest.raises(NotFound):
        stores.invites.remove(1, by)
    assert stores.accounts.find("zoe") is not None
    assert stores.invites.add(NewInvite(1, DAY_S), by).invite.id == 2


def test_open_invites_have_a_bound(stores: SqlStores, by: Actor, clock: Callable[[], object]) -> None:
    """Those that are over do not count."""
    with stores.together():
        for _ in range(MOST_INVITES):
            stores.invites.add(NewInvite(1, DAY_S), by)
    with pytest.raises(TooMany):
        stores.invites.add(NewInvite(1, DAY_S), by)
    clock.advance(days=1)  # type: ignore[attr-defined]
    stores.invites.add(NewInvite(1, DAY_S), by)
    assert len(stores.invites.list_all()) == MOST_INVITES + 1


def test_the_oldest_that_are_over_are_deleted(
    stores: SqlStores, by: Actor, clock: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list has a bound; open invites stay, and so do all that only a wrong clock takes for over."""
    monkeypatch.setattr(invite_store, "MOST_KEPT", 3)
    _, token = stores.invites.add(NewInvite(1, 1000 * DAY_S), by)
    for _ in range(4):
        stores.invites.add(NewInvite(1, DAY_S), by)
        clock.advance(days=1)  # type: ignore[attr-defined]
    assert [invite.id for invite in stores.invites.list_all()] == [1, 3, 4, 5]
    clock.advance(days=-4)  # type: ignore[attr-defined]
    assert stores.invites.check(token).id == 1


def test_a_clock_that_was_ahead_has_deleted_no_invite(
    stores: SqlStores, by: Actor, clock: Callable[[], object]
) -> None:
    """An invite that is made while the clock is a year ahead leaves those that are open."""
    _, token = stores.invites.add(NewInvite(1, DAY_S), by)
    clock.advance(days=365)  # type: ignore[attr-defined]
    stores.invites.add(NewInvite(1, DAY_S), by)
    clock.advance(days=-365)  # type: ignore[attr-defined]
    assert stores.invites.check(token).id == 1
