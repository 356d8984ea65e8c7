"""Having at hand what is stored with an account: fetched once, when somebody logs in to it who is not here yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.commands.pending import Pending

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountData, AccountEntry
    from chatroom.commands.context import Context


def with_account_data(
    context: Context, account: AccountEntry, then: Callable[[Context], Pending | None]
) -> Pending | None:
    """Go on with ``then`` once the account's data is in memory.

    They are read by the worker that also writes them, in order: what was written before is in them.
    """
    if account.id in context.world.account_data:
        return then(context)

    def take(context: Context, account_data: AccountData) -> Pending | None:
        context.world.account_data.setdefault(account.id, account_data)
        return then(context)

    return Pending("store", lambda stores: stores.account_data.load(account.id), take)
