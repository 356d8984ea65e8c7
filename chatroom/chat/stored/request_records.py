"""Records of requests for accounts. What all records have in common is said in ``records``."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

MOST_REQUESTS = 1000
"""How many requests can wait at the same time."""


class Request(NamedTuple):
    """A user's request for an account. A moderator or an admin decides it."""

    id: int
    name: str
    email: str | None
    """The mail address that was given; None without one."""
    origin: str
    """The address that it came from."""
    created_at: datetime
