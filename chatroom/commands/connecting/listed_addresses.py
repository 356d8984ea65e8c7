"""Users whose address is on a DNS blocklist: the question before registration completes, and the refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.admission.exemption import is_exempt
from chatroom.chat.admission.flood import is_private_network
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.world import World

_RETRY_MS = 1000
"""How long to wait if too many questions wait already."""


def ask_lists(
    context: Context, account: AccountEntry | None, then: Callable[[Context], Pending | None]
) -> Pending | None:
    """Return what the session must wait for to know whether its address is listed; None if it need not be asked.

    ``then`` goes on when ``Registration.listing`` says so. ``account`` is the one that the session has logged in to.
    """
    world, session = context.world, context.session
    registration = session.registration
    if not world.settings.dnsbl.zones or registration is None or registration.listing is not None:
        return None
    if _is_welcome(context, account) or not _is_asked_for(world, session):
        return None
    runtime, settings = world.runtime, world.settings
    version, address = session.version, session.address

    def go_on(context: Context, listing: str) -> Pending | None:
        registration = context.session.registration
        if registration is None:
            return None  # the session has ended meanwhile
        registration.listing = listing
        return then(context)

    def wait(context: Context) -> Pending | None:
        if context.session.closing:
            return None
        # Not let in: whoever fills the queue would come in by that. The time for registration is bounded.
        return Pending(None, None, lambda context, _: then(context), _RETRY_MS)

    job = Pending("dns", lambda stores: runtime.find_listing(version, address, settings), go_on)
    return job._replace(if_overloaded=wait)


def _is_asked_for(world: World, session: Session) -> bool:
    """False for addresses of this machine and of private or exempt networks, and for a trusted gateway's own."""
    settings, version, address = world.settings, session.version, session.address
    return not (
        is_exempt(settings, version, address)
        or is_private_network(version, address)
        or settings.webirc.trusts(version, address)
    )


def _is_welcome(context: Context, account: AccountEntry | None) -> bool:
    """True if an account may come in from a listed address: operators must not be locked out by others' lists."""
    if account is None:
        return False
    return account.role >= Role.MODERATOR or context.world.settings.dnsbl.action == "login"


def find_listing(context: Context, account: AccountEntry | None) -> str:
    """Return the list for which the session must not come in or register a name; empty if there is none."""
    registration = context.session.registration
    if registration is None or not registration.listing or _is_welcome(context, account):
        return ""
    return registration.listing


def turn_away_listed(context: Context, nick: str, account: AccountEntry | None) -> bool:
    """Close the session if its address is listed. True if it is."""
    listing, session = find_listing(context, account), context.session
    if not listing:
        return False
    text = f"Your address {session.address_text} is on the blocklist {listing}"
    if context.world.settings.dnsbl.action == "login":
        text += ": log in to an account to enter this server (SASL, or PASS account:password)"
        context.verb = "*"
        context.fail("ACCOUNT_REQUIRED", text=text)
    else:
        context.reply(numerics.ERR_YOUREBANNEDCREEP, text=text)
    context.world.log_line(f"refused {nick} from {session.address_text}: on the blocklist {listing}")
    context.world.close(session, text)
    return True
