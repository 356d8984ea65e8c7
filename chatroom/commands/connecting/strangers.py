"""Whom the server turns away at the end of a registration: it may take only users with an account, or be full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.lockdown import Lockdown

if TYPE_CHECKING:
    from chatroom.chat.admission.reserved_places import Places
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.world import World
    from chatroom.commands.context import Context

# Read once: an attribute of an Enum class is slow, and each registration needs it.
_OFF = Lockdown.OFF


def turn_away_stranger(context: Context, nick: str, account: AccountEntry | None) -> bool:
    """Close the session if the server now takes only users with an account, or none of its kind. True if it does."""
    world, settings, code = context.world, context.world.settings, "ACCOUNT_REQUIRED"
    lockdown = world.lockdown.at(world.wall_ms)
    if lockdown is not _OFF and lockdown.refuses(account):
        text = "This server takes no new users at the moment, try again later"
        if lockdown is Lockdown.ACCOUNTS_ONLY:
            text = "This server takes only users with an account at the moment (SASL, or PASS account:password)"
        why = f"lockdown {lockdown.value}"
    elif account is None and settings.accounts.require_login:
        text = "You must log in to enter this server (SASL, or PASS account:password)"
        why = "a login is required"
    elif (places := world.runtime.scarce_places(settings)) is not None and not _has_place(world, places, account):
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
    world.log_line(f"refused {nick} from {context.session.address_text}: {why}", at=(__name__, "refused"))
    world.close(context.session, text)
    return True


def _has_place(world: World, places: Places, account: AccountEntry | None) -> bool:
    """True if the server has a place for one more session with that account."""
    limits = world.settings.limits
    if places.has_one_for(account, limits):
        return True
    # Those that have not registered hold no place against it: on a full server they end for others.
    taken = len(world.own_sessions()) - len(world.online.unregistered) + 1
    return places._replace(taken=taken).has_one_for(account, limits)
