"""Who may have a nick: nobody if it is banned, its owner if it is registered, the devices of an account together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_table import describe
from chatroom.chat.admission.reserved_names import is_withheld, refusal_text
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.commands.context import Context


def nick_refusal(context: Context, nick: str, account: AccountEntry | None) -> tuple[numerics.Numeric, str, str] | None:
    """Return why ``account`` (None: a guest) must not have the nick: the numeric, the FAIL code and the text.

    None if it may have the nick. The code is empty if there is only the numeric.
    """
    world, folded = context.world, casefold(nick)
    rule = world.bans.find_name(folded, world.wall_ms)
    if rule is not None:
        return numerics.ERR_ERRONEUSNICKNAME, "NICK_BANNED", f"{nick} is {describe(rule, context.world.bans.zone)}"
    return holder_refusal(context, nick, folded, account)


def holder_refusal(
    context: Context, nick: str, folded: str, account: AccountEntry | None
) -> tuple[numerics.Numeric, str, str] | None:
    """As ``nick_refusal``, but without a look at the bans. ``folded`` is the casefolded nick."""
    world = context.world
    owner = world.accounts.find_folded(folded)
    if owner is not None and (account is None or account.id != owner.id):
        return numerics.ERR_NICKNAMEINUSE, "NICK_RESERVED", f"{nick} is registered: log in to use it, or take another"
    reserved = world.settings.accounts.reserved_names
    if is_withheld(reserved, nick, account):
        return numerics.ERR_NICKNAMEINUSE, "NICK_RESERVED", f"{refusal_text(reserved, nick)}: take another name"
    # Two registered names may look alike, because the shell can make them: each owner may use their own.
    alike = world.accounts.find_look_alike(nick) if owner is None else None
    if alike is not None and (account is None or account.id != alike.id):
        text = f"{nick} looks like {alike.name}, which is registered: log in to use it, or take another"
        return numerics.ERR_NICKNAMEINUSE, "NICK_LOOKS_ALIKE", text
    other = world.users.get(folded)
    if other is not None and other is not context.session.user:
        text = "Nickname is already in use"
        if world.settings.accounts.share_nick and _have_one_account(account, other):
            text += ": its user is in a channel for TLS only (+z), so connect with TLS"
        return numerics.ERR_NICKNAMEINUSE, "", text
    return None


def may_share(context: Context, nick: str, account: AccountEntry | None) -> bool:
    """True if the session may have the nick together with the user that has it."""
    other = context.world.find_user(nick)
    return account is not None and other is not None and may_join(context, account, other)


def may_join(context: Context, account: AccountEntry, user: User) -> bool:
    """True if the session may become one more session of a user."""
    if not _have_one_account(account, user) or (user.sessions and not context.world.settings.accounts.share_nick):
        return False
    # A connection in clear would read the channels of the user that are for TLS only.
    return context.session.secure or not any("z" in channel.flags for channel in user.channels)


def _have_one_account(account: AccountEntry | None, user: User) -> bool:
    return account is not None and user.account is not None and account.id == user.account.id
