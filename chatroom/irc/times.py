"""Moments as they stand in lines and tags: ``2030-01-04T14:33:26.123Z``.

Source: IRCv3 server-time; read-marker, chathistory and search take moments in the same shape.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})Z")


def format_time(time_ms: int) -> str:
    """A moment given in Unix milliseconds."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def parse_time(text: str) -> int | None:
    """A moment in Unix milliseconds; None where it is none. One before 1970 is as good as that."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(0, round(moment.timestamp() * 1000))
