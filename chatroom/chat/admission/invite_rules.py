"""What an invite may say, and the links that stand for one and for a token for a new password.

A link is ``irc://HOST[:PORT]/CHANNEL?invite=TOKEN``, or ``ircs://`` for TLS. A channel whose name begins with one ``#``
stands there without it, as people write such addresses. The page for browsers opens
``https://HOST[:PORT]/#/join?channel=CHANNEL&invite=TOKEN``: what is behind the ``#`` stays in the browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from chatroom.chat.admission.durations import YEAR_S, format_duration
from chatroom.chat.stored.invite_records import MOST_USES, NewInvite
from chatroom.config.values import OWN_PAGE
from chatroom.errors import InvalidName, InvalidValue
from chatroom.irc.names import is_channel

if TYPE_CHECKING:
    from chatroom.config import Settings

DEFAULT_S = 7 * 86_400
"""For how long an invite is open if nobody says otherwise."""
LONGEST_S = YEAR_S
"""An open invite is a key that may lie about anywhere: it must end."""

_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
_DEFAULT_PORTS = {"irc": 6667, "ircs": 6697, "http": 80, "https": 443}


def make_invite(uses: int, duration_s: int, channel: str) -> NewInvite:
    """Return a checked invite. Raises ``InvalidValue`` and ``InvalidName``."""
    if not 1 <= uses <= MOST_USES:
        raise InvalidValue(f"an invite can be used 1 to {MOST_USES} times")
    if duration_s > LONGEST_S:
        raise InvalidValue(f"an invite is open for {format_duration(LONGEST_S)} at most")
    if channel and not is_channel(channel):
        raise InvalidName(f"{channel[:64]} is no channel name")
    return NewInvite(uses, duration_s, channel)


def public_address(settings: Settings) -> str:
    """Return the address by which users reach the server, as ``ircs://HOST`` or ``irc://HOST:PORT``."""
    if settings.server.public_address:
        return settings.server.public_address
    irc = [one for one in settings.listen if one.kind == "irc"]
    # Of several, one with TLS. Without any, users come by WebSocket only, and the name is the best guess.
    found = next((one for one in irc if one.tls), irc[0] if irc else None)
    if found is None:
        return f"ircs://{settings.server.name}"
    host = settings.server.name if found.host in _EVERY_ADDRESS else found.host
    return _address("ircs" if found.tls else "irc", host, found.port)


def page_address(settings: Settings) -> str:
    """Return the address of the server's page for browsers, without a slash at its end; empty if it has none."""
    if settings.server.page_address:
        return settings.server.page_address.rstrip("/")
    pages = [one for one in settings.listen if one.webroot == OWN_PAGE]
    if not pages:
        return ""
    found = next((one for one in pages if one.tls), pages[0])
    host = found.host
    if host in _EVERY_ADDRESS:
        host = urlsplit(public_address(settings)).hostname or settings.server.name
    return _address("https" if found.tls else "http", host, found.port)


def _address(scheme: str, host: str, port: int) -> str:
    shown = f":{port}" if port not in (0, _DEFAULT_PORTS[scheme]) else ""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}{shown}"


def make_reset_link(settings: Settings, token: str, name: str) -> str:
    """Return the link that opens a token for a new password of an account. The same holds for it."""
    return f"{public_address(settings)}/?account={quote(name, safe='')}&reset={token}"


def make_link(settings: Settings, token: str, channel: str) -> str:
    """Return the link that opens an invite. It holds the token: show it once, and log it never."""
    name = channel[1:] if channel.startswith("#") and not channel.startswith(("##", "#&")) else channel
    return f"{public_address(settings)}/{quote(name, safe='')}?invite={token}"


def make_page_link(settings: Settings, token: str, channel: str) -> str:
    """Return the link that opens an invite in a browser; empty if the server has no page. The same holds for it."""
    page = page_address(settings)
    if not page:
        return ""
    where = f"channel={quote(channel, safe='')}&" if channel else ""
    return f"{page}/#/join?{where}invite={token}"
