"""The end of accounts that nobody uses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.world import SERVER, SHELL, Here

from chatroom.chat.stored.records import Role
from chatroom.chat.unused_accounts import MOST_DELETED, end_unused_accounts
from chatroom.errors import DatabaseBusy

DAYS = 90


def look(here: Here) -> None:
    """Delete unused accounts, as the daemon does once an hour."""
    before = here.now - timedelta(days=DAYS)
    with here.tick():
        end_unused_accounts(here.world, here.stores.accounts.list_unused(before), before, DAYS)


def names(here: Here) -> list[str]:
    """The accounts of the database."""
    return [account.name for account in here.stores.accounts.list_all()]


def test_an_account_that_nobody_uses_is_deleted(here: Here) -> None:
    """Its name is free, its channels lose their founder; audit and log say why."""
    una = here.member()
    una.say("JOIN #a", "QUIT")
    here.wait(DAYS * 86_400)
    look(here)
    assert names(here) == ["una"]
    here.wait(1)
    look(here)
    assert names(here) == [] and here.world.accounts.find("una") is None
    assert here.channel("#a").founder_id is None
    entry = here.stores.audit.list_entries(target="una")[-1]
    assert (entry.actor, entry.action) == (SERVER, "user.delete")
    assert entry.detail == f"role user, nobody used it for {DAYS} days"
    assert f"the account una was deleted: nobody used it for {DAYS} days" in here.world.log_lines


def test_who_stays(here: Here) -> None:
    """Moderators, admins, disabled accounts, those that are always on, connected ones, and those that came back."""
    for name, role in (("mo", Role.MODERATOR), ("ada", Role.ADMIN), ("una", Role.USER), ("gone", Role.USER)):
        here.account(name, role)
    here.account("off", disabled=True)
    always = here.account("always")
    here.stores.accounts.set_always_on(always.id, True, 10, SHELL)
    here.apply_account(always.id)
    here.connect("here", login=here.account("here").name)
    here.wait(DAYS * 86_400 + 1)
    here.connect("una", login="una").say("QUIT")
    look(here)
    assert names(here) == ["ada", "always", "here", "mo", "off", "una"]


def test_a_login_that_comes_first_counts(here: Here) -> None:
    """Between the look and the deletion: the login is written before."""
    una = here.account("una")
    here.wait(DAYS * 86_400 + 1)
    before = here.now - timedelta(days=DAYS)
    found = here.stores.accounts.list_unused(before)
    here.holding = True
    with here.tick():
        end_unused_accounts(here.world, found, before, DAYS)
    here.stores.accounts.record_login(una.id, here.now)
    here.release()
    assert names(here) == ["una"] and here.world.accounts.find("una") is not None


def test_a_role_that_comes_first_counts(here: Here) -> None:
    """And an account that the shell deletes first is no fault."""
    una, bob = here.account("una"), here.account("bob")
    here.wait(DAYS * 86_400 + 1)
    here.holding = True
    look(here)
    here.stores.accounts.set_role(una.id, Role.MODERATOR, SHELL)
    here.stores.accounts.delete(bob.id, SHELL)
    here.release()
    assert names(here) == ["una"]


def test_some_are_deleted_at_a_time(here: Here) -> None:
    """The others are at the next look."""
    for number in range(MOST_DELETED + 3):
        here.apply_account(here.stores.accounts.create(f"u{number}", Role.USER, [], SHELL).id)
    here.wait(DAYS * 86_400 + 1)
    look(here)
    assert len(names(here)) == 3
    look(here)
    assert names(here) == []


def test_what_the_database_refuses_is_logged(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account stays until the next look."""
    here.account("una")
    here.wait(DAYS * 86_400 + 1)

    def refuse(*_: object) -> None:
        raise DatabaseBusy("busy")

    monkeypatch.setattr(type(here.stores.accounts), "delete", refuse)
    look(here)
    assert here.world.accounts.find("una") is not None
    assert any("una could not be deleted: busy" in line for line in here.world.log_lines)
