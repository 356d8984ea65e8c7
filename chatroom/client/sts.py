"""Strict Transport Security: a server asks its clients to come with TLS only.

Source: IRCv3 "sts". On a plain connection the capability names the port to change to at once. On a connection with TLS
it says for how long clients must use TLS. Keys that make no sense are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CAPABILITY = "sts"
LONGEST_S = 10 * 365 * 24 * 3600
"""No policy is kept for longer, in seconds, whatever the server says."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The value of the capability. A key that is missing or wrong is None."""

    port: int | None
    duration_s: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A host may only be reached with TLS, until ``expires_at``."""

    port: int
    """The port of the connection that the server told it on."""
    expires_at: datetime


def parse_offer(value: str) -> Offer:
    """Read the value of the capability, ``key=value`` separated by commas."""
    keys = dict(token.partition("=")[::2] for token in value.split(","))
    port = _number(keys.get("port", ""))
    duration_s = _number(keys.get("duration", ""))
    return Offer(
        port if port is not None and 0 < port < 65536 else None,
        None if duration_s is None else min(duration_s, LONGEST_S),
    )


def make_policy(port: int, duration_s: int, now: datetime) -> Policy:
    """Return the policy that a server has told ``now`` at this port."""
    return Policy(port, now.replace(microsecond=0) + timedelta(seconds=duration_s))


def _number(text: str) -> int | None:
    # Not int() alone: it takes signs, blanks and digits of other scripts, and refuses thousands of digits.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
