"""Accounts that nobody has used for long, and their end (``accounts.expire_days``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chatroom.chat.enforcement import apply_account
from chatroom.chat.log_line import LogWarning
from chatroom.chat.stored.records import Actor, Role
from chatroom.errors import ChatroomError

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

MOST_DELETED = 100
"""How many accounts are deleted at one look. The others are at the next one."""


def end_unused_accounts(world: World, account_ids: Sequence[int], before: datetime, unused_days: int) -> None:
    """Delete the accounts of ``AccountStore.list_unused`` whose users are not connected: some of them at a time."""
    unused = []
    for account_id in account_ids:
        entry = world.accounts.find_by_id(account_id)
        if entry is None or entry.role > Role.USER or entry.always_on or entry.disabled:
            continue
        if next(iter(world.online.users_of(account_id)), None) is None:
            unused.append(entry)
            if len(unused) == MOST_DELETED:
                break
    for entry in unused:
        _delete(world, entry, before, unused_days)


def _delete(world: World, entry: AccountEntry, before: datetime, unused_days: int) -> None:
    by = Actor(world.settings.server.name, "server")

    def job(stores: Stores) -> bool:
        account = stores.accounts.find_by_id(entry.id)
        if account is None or account.role > Role.USER or account.disabled or account.always_on:
            return False
        if (account.last_login_at or account.created_at) >= before:
            return False  # a login has come meanwhile
        stores.accounts.delete(entry.id, by, f", nobody used it for {unused_days} days")
        return True

    def then(outcome: object) -> None:
        if isinstance(outcome, ChatroomError):
            world.log_line(f"the unused account {entry.name} could not be deleted: {outcome}", LogWarning)
        elif outcome:
            world.log_line(f"the account {entry.name} was deleted: nobody used it for {unused_days} days")
            apply_account(world, entry.id, None)

    world.work.write(job, then)
