"""Durations as users write them: ``30s``, ``15m``, ``12h``, ``7d``, ``2w``, ``1mo``, ``1y`` and sums like ``1d12h``.

A month is 30 days and a year 365. ``m`` is a minute. ``M`` is refused, because it is a month to many, unless it follows
hours, as in ``1H30M``: there it can only be minutes.
"""

from __future__ import annotations

import re

from chatroom.errors import InvalidValue

YEAR_S = 365 * 86_400
LONGEST_S = 100 * YEAR_S
"""The longest duration that is accepted. A ban without a duration is permanent."""

_UNITS = {"y": YEAR_S, "mo": 30 * 86_400, "w": 7 * 86_400, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_SHOWN_UNITS = {unit: size for unit, size in _UNITS.items() if unit != "mo"}
"""The units of ``format_duration``. A month is not exact, and 30d says what it is."""
# [0-9] and not \d, which would match the digits of all scripts. "mo" comes before "m", which is its beginning.
_SHAPE = re.compile(r"(?:[0-9]+(?:mo|[ywdhms]))+", re.IGNORECASE)
_NUMBERS = re.compile(r"[-+]?\d[\d.,]*")
_WORD = re.compile("secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|wks?|weeks?|mo|mons?|months?|yrs?|years?|[smhdwy]+")
"""What people write behind a number for a time, and slips such as ``hh``."""
_TERM = re.compile(r"([0-9]+)(mo|[ywdhms])", re.IGNORECASE)
_LONGEST_NUMBER = 10  # digits of LONGEST_S


def looks_like_duration(text: str) -> bool:
    """Return True if ``text`` has the form of a duration. ``UBAN ADD`` uses it to tell a duration from a reason."""
    return _SHAPE.fullmatch(text) is not None


def is_meant_as_duration(text: str) -> bool:
    """Return True if ``text`` is a duration, or a number that people take for one: ``7days``, ``1.5h``, ``-1h``."""
    first, *others = _NUMBERS.split(text.lower())
    return not first and bool(others) and all(_WORD.fullmatch(word) for word in others if word)


def parse_duration(text: str) -> int:
    """Return the duration in seconds. Raises ``InvalidValue``, also for 0 and for more than ``LONGEST_S``."""
    text = text.strip()
    if not looks_like_duration(text):
        raise InvalidValue(f"{text[:40]!r} is not a duration; write 30s, 15m, 12h, 7d, 2w, 1mo, 1y or a sum like 1d12h")
    found = _TERM.findall(text)
    units = [unit for _, unit in found]
    if "M" in units and "h" not in [unit.lower() for unit in units[: units.index("M")]]:
        raise InvalidValue(f"{text[:40]!r} is an ambiguous duration; write m for minutes or mo for months")
    terms = [(digits.lstrip("0"), unit.lower()) for digits, unit in found]
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
    for unit, size in _SHOWN_UNITS.items():
        # "10d" is easier to read than "1w3d".
        if unit == "w" and seconds % size:
            continue
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
