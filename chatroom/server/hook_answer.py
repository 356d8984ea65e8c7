"""What became of a request of an outgoing hook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    is_good: bool
    """True if the receiver has taken the event (2xx)."""
    why: str
    """The status, or why there is none."""
    is_refusal: bool = False
    """True if the receiver does not take this event, and may well take the next one."""
