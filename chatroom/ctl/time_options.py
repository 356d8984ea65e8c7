"""The values of options such as ``--since``: a time in the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from chatroom.chat.admission.durations import looks_like_duration, parse_duration
from chatroom.ctl.invocation import current_zone
from chatroom.errors import InvalidValue


def past_moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read the value of an option as a time in UTC. Made to be the ``callback`` of a ``click.option``.

    ``7d`` is seven days ago, ``2030-01-31`` the midnight that begins that day, and ``2030-01-31T12:00`` that time. A
    date or time is in the zone of this machine, or in UTC with ``--utc``, unless it names its zone. Raises
    ``click.BadParameter``.
    """
    if value is None:
        return None
    try:
        if looks_like_duration(value):
            return datetime.now(UTC) - timedelta(seconds=parse_duration(value))
        moment = datetime.fromisoformat(value)
        zone = current_zone()
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)  # a moment without a zone is one of this machine's
    except (ValueError, OverflowError):
        raise click.BadParameter("give a duration such as 7d, or a date such as 2030-01-31") from None
    except InvalidValue as error:
        raise click.BadParameter(str(error)) from None
