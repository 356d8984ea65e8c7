"""Records of requests for accounts. What all records have in common is said in ``records``."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

MOST_REQUESTS = 1000
"""How many requests can wait at the same time."""


class Request(NamedTuple):
    """An account that somebody wants, and that waits for a moderator or an admin."""

    id: int
    name: str
    email: str | None
    """The mail address that was given; None without one."""
    origin: str
    """The address that it came from."""
    created_at: datetime
