"""Lines of ban lists that other programs write, beside the plain form of a list (``ban_lists``).

* ``fail2ban-client get JAIL banip --with-time``: ``192.0.2.7  2030-01-31 12:00:00 + 600 = 2030-01-31 12:10:00``
* ``fail2ban-client get JAIL banip``: several addresses on one line
* ``ipset save``: ``add NAME 192.0.2.7 timeout 600 comment "spam"``
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

_MOMENT = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
_FAIL2BAN = re.compile(rf"(\S+)\s+{_MOMENT} \+ (-?\d+) = {_MOMENT}")
_IPSET = re.compile(r'add \S+ (\S+)((?: (?!comment)\S+ \S+| nomatch)*)(?: comment "([^"]*)")?')
_TIMEOUT = re.compile(r" timeout (\d{1,9})\b")
_IPSET_SETUP = re.compile(r"create \S+ \S+.*|flush \S+")
_PERMANENT_YEAR = 9999
"""The year that fail2ban writes for a ban without an end."""


class ForeignBan(NamedTuple):
    """One target of a line. The target is not checked."""

    target: str
    until_at: datetime | None = None
    """When the ban ends; None if the line does not say."""
    reason: str = ""


def parse_foreign(text: str, now: datetime, zone: tzinfo | None) -> list[ForeignBan] | None:
    """Return the bans of a line; None if it is in none of these forms.

    ``zone`` is that of fail2ban's times; None is the zone of this machine.
    """
    match = _FAIL2BAN.fullmatch(text)
    if match is not None:
        return [ForeignBan(match[1], _fail2ban_end(match[4], zone))]
    match = _IPSET.fullmatch(text)
    if match is not None:
        timeout = _TIMEOUT.search(match[2])
        seconds = int(timeout[1]) if timeout is not None else 0
        return [ForeignBan(match[1], now + timedelta(seconds=seconds) if seconds else None, match[3] or "")]
    if _IPSET_SETUP.fullmatch(text):
        return []
    words = text.replace(",", " ").split()
    # A word without these is a name, of which a line has one.
    if len(words) > 1 and all("." in word or ":" in word for word in words):
        return [ForeignBan(word) for word in words]
    return None


def _fail2ban_end(text: str, zone: tzinfo | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        if at.year == _PERMANENT_YEAR:
            return None
        at = at.astimezone() if zone is None else at.replace(tzinfo=zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
