"""Loading account data. The daemon has it in memory while a user of the account is present."""

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
    """Call ``then`` when the account's data is in memory: at once, or after a worker has read it.

    ``then`` runs under the hub lock. If it runs later, it must check rights and names again (``Pending``). It does not
    run if the session has ended meanwhile.
    """
    if account.id in context.world.online.account_data:
        return then(context)

    renames = context.world.channel_renames

    def take(context: Context, account_data: AccountData) -> Pending | None:
        if context.session.closing:
            return None  # nobody would drop the data again
        if context.world.channel_renames != renames:
            return with_account_data(context, account, then)  # its read markers may be under names of before
        # Another session of the account may have loaded the data meanwhile, and changed it since.
        context.world.online.account_data.setdefault(account.id, account_data)
        return then(context)

    # The store worker also writes account data, in order, so all earlier writes are in what it reads.
    return Pending("store", lambda stores: stores.account_data.load(account.id), take, reads=True)
