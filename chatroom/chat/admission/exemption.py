"""Which addresses the limits by address leave out, and under which name they count the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.flood import is_this_machine, limit_key
from chatroom.config.values import is_among

if TYPE_CHECKING:
    from chatroom.config import Settings


def is_exempt(settings: Settings, version: int, address: int) -> bool:
    """True if an address is not limited as one user: it is in ``limits.exempt``, or this machine.

    This machine is limited if it is a trusted proxy or gateway. Its users then have addresses of their own, and a
    connection that has none came around the proxy.
    """
    exempt = settings.limits.exempt
    if exempt and is_among(exempt, version, address):
        return True
    return is_this_machine(version, address) and not _is_proxy(settings, version, address)


def limited_key(settings: Settings, version: int, address: int) -> str:
    """Return the name under which an address is counted; empty if it is exempt."""
    return "" if is_exempt(settings, version, address) else limit_key(version, address)


def _is_proxy(settings: Settings, version: int, address: int) -> bool:
    # What is not set is not looked through: each connection from this machine comes here.
    webirc = settings.webirc
    if webirc.password and is_among(webirc.gateways, version, address):
        return True
    for listen in settings.listen:
        proxies = listen.proxy_protocol_from + listen.forwarded_from
        if proxies and is_among(proxies, version, address):
            return True
    return False
