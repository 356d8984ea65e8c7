"""Moments as the file keeps them (integer Unix milliseconds, UTC) and as records show them (aware datetimes)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """The moment in Unix milliseconds, rounded down. Raises ``TypeError`` for a naive datetime."""
    return (moment - _EPOCH) // _MILLISECOND


def to_ms_or_none(moment: datetime | None) -> int | None:
    """``to_ms``, where there may be none."""
    return None if moment is None else to_ms(moment)


def from_ms(ms: int) -> datetime:
    """The moment that ``ms`` means."""
    return _EPOCH + ms * _MILLISECOND


def from_ms_or_none(ms: int | None) -> datetime | None:
    """``from_ms``, where there may be none."""
    return None if ms is None else from_ms(ms)
