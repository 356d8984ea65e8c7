"""Asking DNS blocklists whether an address is on them.

The address is turned round and put in front of the list's domain name; if the name has an address, one in 127.0.0.0/8,
it is listed. Source: RFC 5782, sections 2.1 and 2.4.

Whatever is no clear answer lets the user in: a list that is down must not close the server.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dns.resolver import Resolver

    from chatroom.config.serving import Dnsbl

LISTED_S = 1800.0
"""How long an answer is kept that an address is on a list."""
UNLISTED_S = 300.0
"""How long an answer is kept that it is on none."""
MOST_KEPT = 10_000
DOWN_S = 60.0
"""How long a list that did not answer is not asked."""
_ANSWERS = ipaddress.IPv4Network("127.0.0.0/8")
_ERRORS = ipaddress.IPv4Network("127.255.255.0/24")
"""Answers by which a list says that it gives none: the resolver asks too much, or is a public one."""

Ask = Callable[[str, "Dnsbl"], list[str]]
"""Returns the IPv4 addresses of a name, none if it does not exist. Raises ``Unanswered``."""


class Unanswered(Exception):
    """There is no answer. ``str()`` of it is the reason."""


class _Known(NamedTuple):
    """What the lists have said of an address."""

    zone: str
    until_s: float
    zones: tuple[str, ...]
    """The lists that were asked."""


class Blocklists:
    """The answers of the last minutes, and the lists that do not answer. Methods may be called from any thread."""

    def __init__(self, report: Callable[[str], None], ask: Ask | None = None) -> None:
        self._report = report
        """Takes a line for the log."""
        self._ask = ask or ask_dns
        self._lock = threading.Lock()
        """Guards everything below. No other lock is taken while it is held, and nobody is asked."""
        self._known: dict[tuple[int, int], _Known] = {}
        self._down_until_s: dict[str, float] = {}
        """The lists that did not answer, and until when they are not asked."""

    def find(self, version: int, address: int, dnsbl: Dnsbl) -> str:
        """Return the first list that an address is on; empty if it is on none. Blocks until there are answers."""
        key = version, address
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.until_s > time.monotonic() and known.zones == dnsbl.zones:
            return known.zone
        found, is_whole = "", True
        for zone in dnsbl.zones:
            is_listed = self._is_listed(version, address, zone, dnsbl)
            if is_listed:
                found = zone
                break
            is_whole = is_whole and is_listed is not None
        if found or is_whole:
            self._keep(key, _Known(found, time.monotonic() + (LISTED_S if found else UNLISTED_S), dnsbl.zones))
        return found

    def _is_listed(self, version: int, address: int, zone: str, dnsbl: Dnsbl) -> bool | None:
        """Ask one list. None if it has not answered."""
        with self._lock:
            if self._down_until_s.get(zone, 0.0) > time.monotonic():
                return None
        try:
            answers = [ipaddress.IPv4Address(text) for text in self._ask(name_of(version, address, zone), dnsbl)]
            odd = [answer for answer in answers if answer not in _ANSWERS or answer in _ERRORS]
            if odd:
                raise Unanswered(f"it answers {odd[0]}, by which lists refuse to answer, or which no list has")
        except Unanswered as error:
            self._note_down(zone, str(error))
            return None
        with self._lock:
            was_down = self._down_until_s.pop(zone, None) is not None
        if was_down:
            self._report(f"the blocklist {zone} answers again")
        return bool(answers)

    def _note_down(self, zone: str, why: str) -> None:
        with self._lock:
            was_down = zone in self._down_until_s
            self._down_until_s[zone] = time.monotonic() + DOWN_S
        if not was_down:
            self._report(f"the blocklist {zone} does not answer, and users come in without it: {why}")

    def _keep(self, key: tuple[int, int], known: _Known) -> None:
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = known
            if len(self._known) > MOST_KEPT:
                del self._known[next(iter(self._known))]  # the oldest


def name_of(version: int, address: int, zone: str) -> str:
    """Return the name that a list has for an address: its bytes, or for IPv6 its hexadecimal digits, backwards."""
    if version == 4:
        parts = str(ipaddress.IPv4Address(address)).split(".")
    else:
        parts = list(f"{address:032x}")
    return ".".join([*reversed(parts), zone])


def ask_dns(name: str, dnsbl: Dnsbl) -> list[str]:
    """Ask the configured DNS server, or those of this machine, for the IPv4 addresses of a name.

    Raises ``Unanswered``.
    """
    # Here, because a daemon that asks no list does not load it: a tenth of a second and some megabytes.
    import dns.exception
    import dns.resolver

    try:
        answer = _make_resolver(dnsbl).resolve(f"{name}.", "A", raise_on_no_answer=False, lifetime=dnsbl.timeout_s)
        return [str(record.address) for record in answer.rrset or ()]
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise Unanswered(" ".join(str(error).split()) or type(error).__name__) from error


def _make_resolver(dnsbl: Dnsbl) -> Resolver:
    from dns.nameserver import Do53Nameserver
    from dns.resolver import Resolver

    if not dnsbl.resolver:
        return Resolver()
    resolver = Resolver(configure=False)
    host, port = split_resolver(dnsbl.resolver)
    resolver.nameservers = [Do53Nameserver(host, port)]
    resolver.timeout = dnsbl.timeout_s / 2  # a lost packet is sent once more
    return resolver


def split_resolver(text: str) -> tuple[str, int]:
    """Return the address and the port of ``dnsbl.resolver``; the port is 53 unless it is given."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, int(port.removeprefix(":") or 53)
    host, colon, port = text.partition(":")
    if ":" in port or not colon:
        return text, 53
    return host, int(port)
