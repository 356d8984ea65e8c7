"""Durations as users write them: ``30s``, ``15m``, ``12h``, ``7d``, ``2w``, ``1y`` and sums like ``1d12h``.

A year is 365 days. There are no months: ``m`` is a minute.
"""

from __future__ import annotations

import re

from chatroom.errors import InvalidValue

YEAR_S = 365 * 86_400
LONGEST_S = 100 * YEAR_S
"""The longest duration that is accepted. A ban without a duration is permanent."""

_UNITS = {"y": YEAR_S, "w": 7 * 86_400, "d": 86_400, "h": 3600, "m": 60, "s": 1}
# [0-9] and not \d, which would match the digits of all scripts.
_SHAPE = re.compile(r"(?:[0-9]+[ywdhms])+", re.IGNORECASE)
_TERM = re.compile(r"([0-9]+)([ywdhms])", re.IGNORECASE)
_LONGEST_NUMBER = 10  # digits of LONGEST_S


def looks_like_duration(text: str) -> bool:
    """Return True if ``text`` has the form of a duration. ``UBAN ADD`` uses it to tell a duration from a reason."""
    return _SHAPE.fullmatch(text) is not None


def parse_duration(text: str) -> int:
    """Return the duration in seconds. Raises ``InvalidValue``, also for 0 and for more than ``LONGEST_S``."""
    text = text.strip()
    if not looks_like_duration(text):
        raise InvalidValue(f"{text[:40]!r} is not a duration; write 30s, 15m, 12h, 7d, 2w, 1y or a sum like 1d12h")
    terms = [(digits.lstrip("0"), unit.lower()) for digits, unit in _TERM.findall(text)]
    # int() is slow for thousands of digits, and Python refuses more than 4,300.
    if any(len(digits) > _LONGEST_NUMBER for digits, _ in terms):
        raise InvalidValue("a duration can be 100 years at most")
    seconds = sum(int(digits or "0") * _UNITS[unit] for digits, unit in terms)
    if seconds == 0:
        raise InvalidValue("a duration must be at least 1s")
    if seconds > LONGEST_S:
        raise InvalidValue("a duration can be 100 years at most")
    return seconds


def format_duration(seconds: int) -> str:
    """Return the duration in the largest units that fit, such as ``1d12h`` or ``2w``."""
    if seconds <= 0:
        return "0s"
    parts = []
    for unit, size in _UNITS.items():
        # "10d" is easier to read than "1w3d".
        if unit == "w" and seconds % size:
            continue
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
