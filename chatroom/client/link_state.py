"""What a chat session knows about one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class LinkLike(Protocol):
    """The part of ``link.Link`` that the session uses."""

    def open(self, after_s: float = 0.0) -> None:
        """Connect after a pause, in seconds."""

    def send(self, line: str) -> None:
        """Write one line."""

    def attend(self, at: float) -> None:
        """Report when the user was there last, by ``time.monotonic``."""

    def close(self) -> None:
        """Write what is pending and hang up."""

    def abandon(self) -> None:
        """Hang up at once."""


@dataclass(slots=True)
class LinkState:
    """What the session knows about one connection. The next connection gets a new record."""

    link: LinkLike | None = None
    """None before the first connection, and after this one has closed."""
    is_open: bool = False
    is_exposed: bool = False
    """True if others on the network can read what is sent."""
    has_answered: bool = False
    """True once the server has sent a line."""
    moves_to_tls: bool = False
    """True if the server demands TLS: the next connection follows at once."""
    comes_back: bool = False
    """True if the user wants to connect again: the next connection follows at once."""
    close_reason: str = ""
    """Why the server closes it, in the server's words; empty if it has not said why."""
    final_reason: str | None = None
    """The reason if it forbids to connect again unasked (a kick, a ban); None if there is none."""
    answered: bool = False
    """True once the user has answered a question of this connection, perhaps after the server closed it."""
