"""Received bytes that make no lines, or only empty ones: they are paid for as empty lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.irc.framing import LINE_BYTES

if TYPE_CHECKING:
    from chatroom.irc.framing import Malformed

IDLE_BYTES = 8192
"""Received bytes that must make at least one line; the longest has little more than half as many."""
IDLE_ENDS = 8
"""So many line ends that end no line count as one. A read of nothing but line ends is cut in 25 µs."""


def count_idle(data: bytes, lines: Sequence[str | Malformed]) -> int:
    """Return how many lines, beside those that it made, a read is worth. They are run, and paid, as empty lines.

    So empty lines and a line in many pieces cannot keep the thread busy for nothing.
    """
    if len(data) > LINE_BYTES and b"\n" not in data and b"\r" not in data:
        return 0  # the middle of a line that is too long: it is dropped unread, and the line is paid when it ends
    ends = max(data.count(b"\n"), data.count(b"\r")) - len(lines)
    return max(0, len(data) // IDLE_BYTES + (not lines) - len(lines), ends // IDLE_ENDS)
