"""A link to a server: ``irc://HOST[:PORT]/CHANNEL``, or ``ircs://`` for TLS.

``?invite=TOKEN`` makes it an invite, ``?account=NAME&reset=TOKEN`` sets a new password.
"""

from __future__ import annotations

from typing import NamedTuple

from chatroom.client.text import well_formed

_SCHEMES = ("irc://", "ircs://")


class ServerLink(NamedTuple):
    """The parts of a link. Of an address that is none, there is only the server."""

    server: str
    """For ``parse_address``: the link without what stands behind the host and port."""
    channel: str = ""
    """The channel that the link leads to; empty if it names none."""
    invite: str = ""
    """The token of an invite; empty if it has none."""
    account: str = ""
    """The account that the link is for; empty if it names none."""
    reset: str = ""
    """The token for a new password of that account; empty if it has none."""


def split_link(text: str) -> ServerLink:
    """Take a link apart. A channel without ``#`` or ``&`` gets a ``#``, as in other IRC clients."""
    if not text.lower().startswith(_SCHEMES):
        return ServerLink(text)
    from urllib.parse import parse_qs, unquote, urlsplit  # here, because most addresses are no links

    scheme, _, rest = text.partition("://")
    end = min((at for at in (rest.find(char) for char in "/?#") if at >= 0), default=len(rest))
    # A # is part of the channel here, and no fragment: people write irc://host/#channel.
    path, _, query = rest[end:].removeprefix("/").partition("?")
    channel = well_formed(unquote(path)).split(",")[0].strip("/ ")
    if channel and not channel.startswith(("#", "&")):
        channel = f"#{channel}"
    values = parse_qs(urlsplit(f"?{query}").query)
    invite, account, reset = (well_formed(values.get(name, [""])[0]).strip() for name in ("invite", "account", "reset"))
    return ServerLink(f"{scheme}://{rest[:end]}", channel, invite, account, reset if account else "")
