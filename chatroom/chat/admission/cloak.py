"""The host others are shown, so that only moderators and admins see addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac


class Cloak:
    """Turns an address into a host that is the same every time and tells nothing. ``key`` is the database's secret."""

    __slots__ = ("_key", "_known")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[tuple[int, int], str] = {}

    def host(self, version: int, address: int) -> str:
        """The host shown for an address."""
        known = self._known.get((version, address))
        if known is None:
            subscriber = address >> 64 if version == 6 else address  # one subscriber usually has a whole /64
            digest = hmac.new(self._key, b"%d:%d" % (version, subscriber), hashlib.sha256).digest()
            known = base64.b32encode(digest[:10]).decode().lower() + ".masked"
            if len(self._known) >= 10_000:
                self._known.clear()
            self._known[(version, address)] = known
        return known
