"""WEBIRC: a gateway opens a connection for a user, and gives the user's address.

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
    """Gives the address of the user that a trusted gateway connects. It must be the first command."""
    world, session = context.world, context.session
    password, gateway, _, address_text = params[:4]
    # The host name is ignored: other users see a cloak instead. The options are ignored too: "secure" counts only if
    # the connection of the gateway is encrypted as well, and this server has no TLS.
    trusted = world.settings.webirc
    if not trusted.trusts(session.version, session.address):
        _refuse(context, "WEBIRC is not allowed from your address")
    elif not hmac.compare_digest(password.encode(), trusted.password.encode()):
        _refuse(context, "Invalid WebIRC password")
    elif not _is_first(session):
        _refuse(context, "WEBIRC must be the first command")
    else:
        _take_address(context, printable(gateway)[:_NAME_LENGTH], address_text)
    return None


def _is_first(session: Session) -> bool:
    """True if the session has sent no other command of registration yet."""
    registration = session.registration
    negotiated = session.cap_version or session.caps or session.gateway
    return registration is not None and registration.is_blank and not negotiated


def _take_address(context: Context, gateway: str, address_text: str) -> None:
    world, session = context.world, context.session
    try:
        address = parse_address(address_text)
    except InvalidTarget:
        _refuse(context, "WEBIRC has no valid address")
        return
    host = world.cloak.host(address.version, int(address))
    session.stand_for(address.version, int(address), str(address), host, f"{gateway} ({session.address_text})")
    world.log_line(f"{session.address_text} connects through the gateway {session.gateway}")
    # From here on the connection counts for the user's address, and no longer for the gateway's.
    refusal = world.runtime.admit(session, world.settings.limits)
    if refusal is not None:
        _refuse(context, refusal)
    else:
        turn_away_banned(context)


def _refuse(context: Context, why: str) -> None:
    context.world.log_line(f"refused {context.session.address_text}: {why}")
    context.world.close(context.session, why)
