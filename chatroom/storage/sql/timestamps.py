"""Times in the file (Unix milliseconds) and times in records (aware UTC datetimes)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# Whole numbers all the way: ``timestamp() * 1000`` is a float, which can be just below its millisecond.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def to_ms(at: datetime) -> int:
    """A datetime in Unix milliseconds, rounded down. Raises ``TypeError`` if it is naive."""
    return (at - _EPOCH) // _MILLISECOND


def to_ms_or_none(at: datetime | None) -> int | None:
    """As ``to_ms``; None for None."""
    return None if at is None else to_ms(at)


def from_ms(ms: int) -> datetime:
    """The UTC datetime of a time in Unix milliseconds."""
    return _EPOCH + ms * _MILLISECOND


def from_ms_or_none(ms: int | None) -> datetime | None:
    """As ``from_ms``; None for None."""
    return None if ms is None else from_ms(ms)
