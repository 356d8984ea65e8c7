"""``chatroomctl audit``: who did what to whom, when, and from where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from chatroom.chat.durations import looks_like_duration, parse_duration
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, print_json, print_table
from chatroom.errors import InvalidValue
from chatroom.storage.stores import open_stores


@click.group()
def audit() -> None:
    """Read the audit trail. Nothing is ever taken out of it.

    \b
    Example:
      chatroomctl audit list --since 7d
    """


def _since(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
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


@audit.command("list")
@click.option("--actor", metavar="NAME", help="Only what NAME did. Example: --actor alice")
@click.option("--target", metavar="TARGET", help="Only what was done to TARGET. Example: --target mallory")
@click.option(
    "--since",
    "since_at",
    metavar="WHEN",
    callback=_since,
    help="Only what is as new: a duration, or a date or moment in UTC. Example: --since 2030-01-31",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="COUNT", help="Only the newest COUNT entries. Example: --limit 20"
)
@json_option
@pass_invocation
def list_(
    invocation: Invocation,
    actor: str | None,
    target: str | None,
    since_at: datetime | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List what was done, oldest first.

    \b
    Examples:
      chatroomctl audit list --since 7d
      chatroomctl audit list --target mallory --json
    """
    with open_stores(invocation.database) as stores:
        entries = stores.audit.list_entries(actor=actor, target=target, since_at=since_at, limit=limit)
    if as_json:
        print_json(entries)
        return
    print_table(
        ["TIME", "WHO", "FROM", "WHAT", "TARGET", "DETAIL"],
        [[one.at, one.actor, one.origin, one.action, one.target, one.detail] for one in entries],
    )
