"""WEBIRC: a gateway connects for somebody and says from where they come.

Source: IRCv3 "WebIRC Extension".
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_targets import parse_address
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.registration import turn_away_banned
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidTarget

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session

_NAME_LENGTH = 64


@command("WEBIRC", "<password> <gateway> <hostname> <address> [<options>]", when=When.BEFORE)
def webirc(context: Context, params: list[str]) -> Pending | None:
    """Gives the address of the user for whom a trusted gateway opened this connection. It must be the first command."""
    world, session = context.world, context.session
    password, gateway, _, address_text = params[:4]
    # The host name is not looked at: others are shown a cloak, whatever an address is called. Neither are the options:
    # "secure" counts only where the gateway's own connection is encrypted too, and none is.
    trusted = world.settings.webirc
    if not trusted.trusts(session.version, session.address):
        _refuse(context, "WEBIRC is not for your address")
    elif not hmac.compare_digest(password.encode(), trusted.password.encode()):
        _refuse(context, "Invalid WebIRC password")
    elif not _is_first(session):
        _refuse(context, "WEBIRC must be the first command")
    else:
        _take_address(context, printable(gateway)[:_NAME_LENGTH], address_text)
    return None


def _is_first(session: Session) -> bool:
    """Whether the session has said nothing yet that counts."""
    registration = session.registration
    negotiated = session.cap_version or session.caps or session.gateway
    return registration is not None and registration.is_blank and not negotiated


def _take_address(context: Context, gateway: str, address_text: str) -> None:
    world, session = context.world, context.session
    try:
        address = parse_address(address_text)
    except InvalidTarget:
        _refuse(context, "WEBIRC gave no address")
        return
    host = world.cloak.host(address.version, int(address))
    session.stand_for(address.version, int(address), str(address), host, f"{gateway} ({session.address_text})")
    world.log_line(f"{session.address_text} connects through the gateway {session.gateway}")
    refusal = world.admit(session)
    if refusal is not None:
        _refuse(context, refusal)
    else:
        turn_away_banned(context)


def _refuse(context: Context, why: str) -> None:
    context.world.log_line(f"refused {context.session.address_text}: {why}")
    context.world.close(context.session, why)
