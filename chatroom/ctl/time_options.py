"""Moments in the past, as options take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from chatroom.chat.admission.durations import looks_like_duration, parse_duration
from chatroom.errors import InvalidValue


def past_moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """The moment meant by a duration (so long ago), a date (its midnight, UTC) or a moment (UTC unless it says)."""
    if value is None:
        return None
    try:
        if looks_like_duration(value):
            return datetime.now(UTC) - timedelta(seconds=parse_duration(value))
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("write a duration such as 7d, or a date such as 2030-01-31") from None
    except InvalidValue as error:
        raise click.BadParameter(str(error)) from None
