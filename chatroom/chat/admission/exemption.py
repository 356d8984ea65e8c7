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
    if is_among(settings.limits.exempt, version, address):
        return True
    return is_this_machine(version, address) and not _is_proxy(settings, version, address)


def limited_key(settings: Settings, version: int, address: int) -> str:
    """Return the name under which an address is counted; empty if it is exempt."""
    return "" if is_exempt(settings, version, address) else limit_key(version, address)


def _is_proxy(settings: Settings, version: int, address: int) -> bool:
    if settings.webirc.trusts(version, address):
        return True
    for listen in settings.listen:
        if is_among(listen.proxy_protocol_from + listen.forwarded_from, version, address):
            return True
    return False
