"""Changes of accounts that a running daemon makes for ``chatroomctl``, because they change its channels, too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_targets import parse_name
from chatroom.chat.enforcement import apply_account
from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import NotFound

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry, BanRule
    from chatroom.chat.stored.stores import Stores


@command("RENAMEACCOUNT", "<account> <name>", when=When.CONTROL)
def rename_account(context: Context, params: list[str]) -> Pending | None:
    """Gives an account another name, with all that belongs to it."""
    world, actor = context.world, context.actor
    account, name = world.accounts.find(params[0]), parse_name(params[1]).name
    if account is None:
        raise NotFound(f"there is no account called {params[0]}")
    account_id, now = account.id, datetime.fromtimestamp(world.wall_ms / 1000, UTC)

    def job(stores: Stores) -> tuple[AccountEntry | None, list[BanRule]]:
        renamed = stores.accounts.rename(account_id, name, actor)
        rules = [stores.bans.find_rule(ban_id, now) for ban_id in renamed.ban_ids]
        return stores.accounts.find_entry(account_id), [rule for rule in rules if rule is not None]

    def then(context: Context, stored: tuple[AccountEntry | None, list[BanRule]]) -> None:
        entry, rules = stored
        for rule in rules:
            context.world.bans.add(rule)
        apply_account(context.world, account_id, entry)
        context.note("DONE", text=f"Renamed the account {account.name} to {name}")

    return Pending("store", job, then)
