"""Counting the open connections: of each address, for its limits, and of all, for the limit of open files."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.admission.exemption import limited_key
from chatroom.chat.admission.flood import ConnectionBudget
from chatroom.chat.admission.reserved_places import Places

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.config import Settings

KEPT_FILES = 64
"""How many open files connections leave to the database, the control socket and everything else."""
_UNLIMITED = sys.maxsize
MOST_TOLD = 200
"""The most addresses whose counts a node tells the others each second."""
_MOST_KEYS = 4096
"""With so many kept names of addresses, all are forgotten."""


def _most_by_files() -> int | None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if files == resource.RLIM_INFINITY else max(1, files - KEPT_FILES)


class ConnectionCounter:
    """The counts, with the one lock that guards them. Methods may be called from any thread, with or without the hub
    lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Guards everything below: all I/O threads change it. No other lock is taken while it is held."""
        self._budget = ConnectionBudget(_UNLIMITED, _UNLIMITED)
        self._address_of: dict[int, str] = {}
        """The address that a session is counted against, by the session's id."""
        self._keys: dict[tuple[int, int], str] = {}
        """What ``limited_key`` has said of addresses under ``_settings``: clients of one address, and those that come
        again, ask it once."""
        self._settings: Settings | None = None
        self.find_elsewhere: Callable[[str], tuple[int, int]] | None = None
        """How many connections other nodes of a cluster have from an address, and had in the last minute. None without
        a cluster. Set once, before the first connection."""
        self.refused = 0
        """How many connections were refused since the start, for too many of their address. Read without the lock."""
        self._open = 0
        """How many connections from outside are open; the control socket's are not counted."""
        self._most = _most_by_files()
        """How many the limit of open files leaves room for (``look_at_files``); None if there is no limit."""

    def admit(self, session: Session, settings: Settings) -> str | None:
        """Count a session against its present address (IPv6: the /64) and no other.

        Return the reason for a refusal, or None if the session may stay. A refused session is not counted.
        """
        with self._lock:
            self._uncount(session)
            return self._admit(session, settings)

    def open(self, session: Session, settings: Settings, *, by_address: bool) -> str | None:
        """Count a new connection from outside as open and, if ``by_address``, as ``admit`` does. Return as ``admit``.

        A refused connection is not counted at all.
        """
        with self._lock:
            refusal = self._admit(session, settings) if by_address else None
            if refusal is None:
                self._open += 1
            return refusal

    def _admit(self, session: Session, settings: Settings) -> str | None:
        if settings is not self._settings or len(self._keys) >= _MOST_KEYS:
            self._settings, self._keys = settings, {}
        peer = session.version, session.address
        address = self._keys.get(peer)
        if address is None:
            address = self._keys[peer] = limited_key(settings, *peer)
        if not address or session.control is not None:
            return None
        limits = settings.limits
        # Connections are counted even without limits, so that a reload that sets some finds the right counts.
        self._budget.concurrent = limits.connections_per_address if limits.enabled else _UNLIMITED
        self._budget.per_minute = limits.connects_per_minute if limits.enabled else _UNLIMITED
        elsewhere = (0, 0) if self.find_elsewhere is None else self.find_elsewhere(address)
        refusal = self._budget.admit(address, int(time.monotonic() * 1000), elsewhere)
        if refusal is not None:
            self.refused += 1
        else:
            self._address_of[session.id] = address
        return refusal

    def is_counted(self, session: Session) -> bool:
        """True if a session is counted against an address."""
        with self._lock:
            return session.id in self._address_of

    def recent(self) -> dict[str, tuple[int, int]]:
        """For the other nodes of a cluster: by address, how many connections are open and have begun in the last
        minute. Only of addresses that have begun one, and not of all if these are too many.
        """
        with self._lock:
            return self._budget.recent(int(time.monotonic() * 1000), MOST_TOLD)

    def take_over(self, session: Session, settings: Settings, *, counted: bool) -> None:
        """Count a connection that another daemon has accepted, whatever the limits are. ``counted``: by its address."""
        with self._lock:
            self._open += 1
            address = limited_key(settings, session.version, session.address)
            if counted and address:
                self._budget.take_over(address)
                self._address_of[session.id] = address

    def released(self, session: Session) -> None:
        """Take a closed connection out of the counts."""
        with self._lock:
            if session.control is None:
                self._open -= 1
            if session.id in self._address_of:
                self._uncount(session)

    def places(self, settings: Settings) -> Places:
        """How many connections are open, and how many there can be."""
        # Without the lock: each of the two is whole, and may be out of date when the lock is released anyway.
        return Places(self._open, self._most_under(settings))

    def scarce_places(self, settings: Settings) -> Places | None:
        """The same if more than half of all places are taken; None if not: none is reserved then. From any thread."""
        most = self._most_under(settings)
        return None if most is None or self._open <= most // 2 else Places(self._open, most)

    def _most_under(self, settings: Settings) -> int | None:
        limits, most = settings.limits, self._most
        if limits.connections and limits.enabled and (most is None or limits.connections < most):
            return limits.connections
        return most

    def look_at_files(self) -> None:
        """Look at the limit of open files, which can be changed from outside while the daemon runs."""
        self._most = _most_by_files()

    def fullness(self, settings: Settings, spare: int = 0) -> str:
        """The reason why no more connections fit; empty if one does. Call ``look_at_files`` first.

        ``spare`` are places beyond the limit, for a moment.
        """
        count, most = self._open, self._most_under(settings)
        if most is None or count < most + spare:
            return ""
        if most == settings.limits.connections:
            return f"{count} connections are open, as many as limits.connections allows"
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"{count} connections are open, as many as a limit of {files} open files leaves room for"

    def _uncount(self, session: Session) -> None:
        address = self._address_of.pop(session.id, None)
        if address is not None:
            self._budget.released(address)
