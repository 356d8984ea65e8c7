"""WEBIRC: a gateway opens a connection for a user, and gives the user's address.

Source: IRCv3 "WebIRC Extension".
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_targets import parse_address
from chatroom.chat.admission.flood import is_this_machine
from chatroom.chat.people.line_rates import limit_lines
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.registration import turn_away_banned
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidTarget

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World

_NAME_LENGTH = 64


@command("WEBIRC", "<password> <gateway> <hostname> <address> [<options>]", when=When.BEFORE)
def webirc(context: Context, params: list[str]) -> Pending | None:
    """Gives the address of the user that a trusted gateway connects. It must be the first command."""
    world, session = context.world, context.session
    password, gateway, _, address_text = params[:4]
    # The host name is ignored: other users see a cloak instead.
    trusted = world.settings.webirc
    if not trusted.trusts(session.version, session.address):
        refuse(context, "WEBIRC is not allowed from your address")
    elif not hmac.compare_digest(password.encode(), trusted.password.encode()):
        refuse(context, "Invalid WebIRC password")
    elif not _is_first(session):
        refuse(context, "WEBIRC must be the first command")
    else:
        # "secure" counts only if nobody can read along between the gateway and this server either.
        secure = any(option.partition("=")[0] == "secure" for option in " ".join(params[4:]).split())
        session.secure = secure and (session.secure or is_this_machine(session.version, session.address))
        refusal = take_address(world, session, printable(gateway)[:_NAME_LENGTH], address_text)
        if refusal is not None:
            refuse(context, refusal)
        else:
            world.log_line(f"{session.address_text} connects through the gateway {session.gateway}")
            turn_away_banned(context)
    return None


def _is_first(session: Session) -> bool:
    """True if the session has sent no other command of registration yet."""
    registration = session.registration
    negotiated = session.cap_version or session.caps or session.gateway
    return registration is not None and registration.is_blank and not negotiated


def take_address(world: World, session: Session, gateway: str, address_text: str) -> str | None:
    """Give a session the address of the client that a gateway or proxy connects, and count it for that address.

    ``gateway`` is the name that WHOIS shows, or empty. Return the reason why the session must end, or None.
    """
    try:
        address = parse_address(address_text)
    except InvalidTarget:
        return "WEBIRC has no valid address"
    host = world.cloak.host(address.version, int(address))
    label = f"{gateway} ({session.address_text})" if gateway else ""
    session.certificate = ""  # one that came with this connection is the gateway's, not its client's
    session.stand_for(address.version, int(address), str(address), host, label)
    # From here on the connection counts for the user's address, and no longer for the gateway's.
    limit_lines(session, world.settings)
    return world.runtime.admit(session, world.settings)


def take_forwarded(world: World, session: Session, address_text: str, *, https: bool) -> str | None:
    """Give a session the address of the client that an HTTP proxy connects, as ``take_address`` does.

    ``https`` is what the proxy says of its client's connection.
    """
    # It counts only if nobody can read along between the proxy and this server either.
    session.secure = https and (session.secure or is_this_machine(session.version, session.address))
    return take_address(world, session, "", address_text)


def refuse(context: Context, why: str) -> None:
    """Close the session of a gateway or proxy that must not be let in, and log why."""
    context.world.log_line(f"refused {context.session.address_text}: {why}")
    context.world.close(context.session, why)
