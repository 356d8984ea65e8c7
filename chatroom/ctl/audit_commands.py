"""``chatroomctl audit``: the log of administrative actions."""

from __future__ import annotations

from datetime import datetime

import click

from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import json_option, print_json, print_table
from chatroom.ctl.subcommands import Subcommands
from chatroom.ctl.time_options import past_moment
from chatroom.storage.opening import open_stores


@click.group(cls=Subcommands)
def audit() -> None:
    """Read the log of administrative actions.

    It has the actor, target and time of each action. Entries are never deleted.

    \b
    Example:
      chatroomctl audit list --since 7d
    """


@audit.command("list")
@click.option("--actor", metavar="NAME", help="Only actions by NAME. Example: --actor alice")
@click.option("--target", metavar="TARGET", help="Only actions on TARGET. Example: --target mallory")
@click.option(
    "--since",
    "since_at",
    metavar="WHEN",
    callback=past_moment,
    help="Only actions since WHEN: a duration ago, a date or a time. Example: --since 2030-01-31",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="COUNT", help="Only the newest COUNT entries. Example: --limit 20"
)
@json_option
@utc_option
@pass_invocation
def list_(
    invocation: Invocation,
    actor: str | None,
    target: str | None,
    since_at: datetime | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the actions, oldest first.

    \b
    Examples:
      chatroomctl audit list --since 7d
      chatroomctl audit list --target mallory --json
    """
    with open_stores(invocation.address) as stores:
        entries = stores.audit.list_entries(actor=actor, target=target, since_at=since_at, limit=limit)
    if as_json:
        print_json(entries)
        return
    print_table(
        ["TIME", "WHO", "FROM", "WHAT", "TARGET", "DETAIL"],
        [[one.at, one.actor, one.origin, one.action, one.target, one.detail] for one in entries],
    )
