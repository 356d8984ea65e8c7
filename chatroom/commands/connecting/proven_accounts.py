"""From a password that was checked in a worker to the account in memory: either may have changed meanwhile.

``chatroomctl`` writes accounts and passwords to the database, and the world hears of it a fifth of a second later
(``server.change_follower``). So a worker may know more than the world when it has checked a password, and less when the
session goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission.ban_table import describe
from chatroom.chat.enforcement import apply_account
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.records import Account, AccountEntry
    from chatroom.chat.world import World
    from chatroom.commands.context import Context


class Denied(NamedTuple):
    """A refused login."""

    why: str
    """The reason, for the user and for the log."""
    numeric: numerics.Numeric = numerics.ERR_PASSWDMISMATCH
    """What the refusal is called outside SASL. Clients look for a wrong password only if it says so (464)."""

    @property
    def sentence(self) -> str:
        """The reason as a sentence. Clients look for ``Password incorrect``, so only a wrong password says that."""
        if self.numeric == numerics.ERR_PASSWDMISMATCH:
            return f"Password incorrect: {self.why}"
        return self.why[:1].upper() + self.why[1:]


def with_known_account(
    context: Context, proven: Account | None, go_on: Callable[[Context, Account | None], Pending | None]
) -> Pending | None:
    """Call ``go_on`` with an account whose password was proved, when the world knows the account as it was then.

    None stays None. Otherwise a session that has logged in with a new password would be ended by the change to it.
    """
    known = None if proven is None else context.world.accounts.find_by_id(proven.id)
    if proven is None or (known is not None and known.password_changes == proven.password_changes):
        return go_on(context, proven)

    def then(context: Context, account: Account | None) -> Pending | None:
        if account is not None:
            # The session has proved this password, and the others have proved the one before.
            is_current = account.password_changes == proven.password_changes
            know_account(context.world, account, context.session if is_current else None)
        return go_on(context, proven)

    # The store worker follows the changes, so what it reads is never older than what the world has of them.
    return Pending("store", lambda stores: stores.accounts.find_by_id(proven.id), then, reads=True)


def know_account(world: World, account: Account, spared: Session | None = None) -> None:
    """Take in an account as the store has it, if it or its password is new. ``spared``: see ``apply_account``."""
    known = world.accounts.find_by_id(account.id)
    if known is None or known.password_changes < account.password_changes:
        apply_account(world, account.id, account.entry, spared)


def admitted(world: World, proven: AccountEntry) -> AccountEntry | Denied:
    """Return an account as it is now, or why it may not log in.

    It is deleted or disabled, its password was changed since it was proved, or its name is banned.
    """
    entry = world.accounts.find_by_id(proven.id)
    if entry is None or entry.disabled:
        return Denied("this account is disabled", numerics.ERR_YOUREBANNEDCREEP)
    if entry.password_changes != proven.password_changes:
        return Denied("the password was changed just now")
    rule = world.bans.find_name(casefold(entry.name), world.wall_ms)
    return (
        entry if rule is None else Denied(f"you are {describe(rule, world.bans.zone)}", numerics.ERR_YOUREBANNEDCREEP)
    )
