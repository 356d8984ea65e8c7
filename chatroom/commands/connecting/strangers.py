"""Whom the server turns away at the end of a registration: it may take only users with an account, or be full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.lockdown import Lockdown

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.world import World
    from chatroom.commands.context import Context


def turn_away_stranger(context: Context, nick: str, account: AccountEntry | None) -> bool:
    """Close the session if the server now takes only users with an account, or none of its kind. True if it does."""
    world, session, code = context.world, context.session, "ACCOUNT_REQUIRED"
    lockdown = world.lockdown.at(world.wall_ms)
    if lockdown.refuses(account):
        text = "This server takes no new users at the moment, try again later"
        if lockdown is Lockdown.ACCOUNTS_ONLY:
            text = "This server takes only users with an account at the moment (SASL, or PASS account:password)"
        why = f"lockdown {lockdown.value}"
    elif world.settings.accounts.require_login and account is None:
        text = "You must log in to enter this server (SASL, or PASS account:password)"
        why = "a login is required"
    elif not _has_place(world, account):
        text = "This server is full, try again later"
        if account is None:
            text = "This server has only places for users with an account left: log in (SASL, or PASS account:password)"
            text += ", or try again later"
        else:
            code = "TEMPORARILY_UNAVAILABLE"
        why = "the last connections are reserved"
    else:
        return False
    context.verb = "*"
    context.fail(code, text=text)
    world.log_line(f"refused {nick} from {session.address_text}: {why}")
    world.close(session, text)
    return True


def _has_place(world: World, account: AccountEntry | None) -> bool:
    """True if the server has a place for one more session with that account."""
    places, limits = world.runtime.scarce_places(world.settings), world.settings.limits
    if places is None or places.has_one_for(account, limits):
        return True
    # Those that have not registered hold no place against it: on a full server they end for others.
    taken = len(world.own_sessions()) - len(world.online.unregistered) + 1
    return places._replace(taken=taken).has_one_for(account, limits)
