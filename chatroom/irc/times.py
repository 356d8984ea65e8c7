"""Times in lines and tags, ``2030-01-04T14:33:26.123Z``, and times for the operator, ``2030-01-04 15:33:26+01:00``.

Source of the former: IRCv3 server-time. Read-marker, chathistory and search have times of the same form.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

_SHAPE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})Z")


def format_time(time_ms: int) -> str:
    """Format a time in Unix milliseconds."""
    return f"{_format_second(time_ms // 1000)}.{time_ms % 1000:03d}Z"


# Every line that is read with its time has one of its own, but few seconds are on their way at once.
@lru_cache(maxsize=1024)
def _format_second(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%S}"


def parse_time(text: str) -> int | None:
    """Parse a time. Returns Unix milliseconds, 0 for any time before 1970, or None if ``text`` is no time."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(0, round(at.timestamp() * 1000))


def in_zone(at: datetime, zone: tzinfo | None) -> datetime:
    """Return a moment in a zone; None is the zone of this machine."""
    try:
        return at.astimezone(zone)
    except (OverflowError, ValueError):  # next to the year 1 or 9999
        return at.astimezone(UTC)


def zone_name(at: datetime) -> str:
    """Return the zone of a moment: ``UTC``, or the difference to it such as ``+01:00``."""
    return at.isoformat()[-6:] if at.utcoffset() else "UTC"


def format_moment(at: datetime, zone: tzinfo | None) -> str:
    """Format a moment for a table: ``2030-01-04 14:33:26Z``, ``2030-01-04 15:33:26+01:00``."""
    return in_zone(at, zone).isoformat(" ", "seconds").replace("+00:00", "Z")


def format_stamp(unix_s: float, zone: tzinfo | None) -> str:
    """Format the time of a log line: ``2030-01-04 14:33:26 UTC``, ``2030-01-04 15:33:26 +01:00``."""
    at = in_zone(datetime.fromtimestamp(unix_s, UTC), zone)
    return f"{at:%Y-%m-%d %H:%M:%S} {zone_name(at)}"
