"""Times in lines and tags: ``2030-01-04T14:33:26.123Z``.

Source: IRCv3 server-time. Read-marker, chathistory and search have times of the same form.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})Z")


def format_time(time_ms: int) -> str:
    """Format a time in Unix milliseconds."""
    # Whole seconds first: a float of milliseconds could round to the one before.
    at = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


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
