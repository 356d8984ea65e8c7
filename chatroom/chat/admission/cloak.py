"""The host name that other users see instead of an address. Only moderators and admins see addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac

from chatroom.chat.admission.flood import SUBSCRIBER_BITS

_MOST_HOSTS = 10_000


class Cloak:
    """Turns an address into a host name. An address always has the same host, and the host does not tell the address.

    ``key`` is a secret of the database, so hosts stay the same over a restart and cannot be computed elsewhere. Used by
    several threads without a lock: at worst two of them compute the same host.
    """

    __slots__ = ("_hosts", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hosts: dict[tuple[int, int], str] = {}
        """Hosts already computed, by (version, address)."""

    def host(self, version: int, address: int) -> str:
        """The host shown for an address. ``version`` is 4 or 6, ``address`` an integer."""
        host = self._hosts.get((version, address))
        if host is None:
            # An IPv6 subscriber has a whole /64 and may change addresses within it. The host must not change with them.
            subscriber = address >> SUBSCRIBER_BITS if version == 6 else address
            digest = hmac.new(self._key, b"%d:%d" % (version, subscriber), hashlib.sha256).digest()
            # 80 bits do not collide by chance, and are exactly 16 letters of base32, without padding.
            host = base64.b32encode(digest[:10]).decode().lower() + ".masked"
            # Clearing all is simpler than forgetting the oldest, and costs one HMAC for each address that returns.
            if len(self._hosts) >= _MOST_HOSTS:
                self._hosts.clear()
            self._hosts[(version, address)] = host
        return host
