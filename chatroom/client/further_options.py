"""What a chat on one more server begins with: what is typed after ``/connect``, and the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from chatroom.client.address import parse_address
from chatroom.client.known_servers import KnownServers, default_path
from chatroom.client.options import Options
from chatroom.client.route import Route
from chatroom.client.server_link import split_link
from chatroom.client.start_options import Beginning, complete
from chatroom.client.trust import SYSTEM_TRUST


def further_options(typed: str, first: Options, nick: str) -> Options:
    """Return the options for an address, a link to a channel, or the name of a saved server.

    ``first``: those of the first chat, with the settings; ``nick``: the nick there, which is taken unless another one
    is saved. Passwords and tokens are not carried over: they are another server's; those of a link are in the options.
    Raises ``ValueError`` with a sentence for the user, and what a wrong file of certificates raises.
    """
    link = split_link(typed)
    channels = (link.channel,) if link.channel else ()
    start = complete(Beginning(link.server, "", link.account, channels, False, SYSTEM_TRUST), first.settings.found)
    try:
        address = parse_address(start.server, tls=start.tls or start.trust != SYSTEM_TRUST)
    except ValueError:
        raise ValueError(f"{typed} is not HOST or HOST:PORT, nor a saved server.") from None
    if start.trust.authorities or start.trust.certificate:
        from chatroom.client.secure_socket import check_files  # only then, because it loads ssl

        check_files(start.trust)
    route = Route(address, KnownServers(default_path()), lambda: datetime.now(UTC), start.trust)
    return replace(
        first,
        route=route,
        nick=start.nick or nick,
        account=start.account,
        password="",
        server_password="",
        invite=link.invite,
        reset=link.reset,
        join=start.join,
        server_name=start.name or str(address).lower(),
        joins_asked=bool(channels),
        is_first_start=False,
    )
