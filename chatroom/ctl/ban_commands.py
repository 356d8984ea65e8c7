"""``chatroomctl ban``: who may not come in, by name or by address. It works on the database; the daemon follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import click

from chatroom.chat.admission.ban_policy import check_reason, is_wide
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget, format_network, parse_target
from chatroom.chat.admission.durations import parse_duration
from chatroom.chat.stored.records import Ban
from chatroom.ctl import ban_lists
from chatroom.ctl.ban_checks import choose_targets, confirm_risks, find_covering, find_exact
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import confirm, json_option, moment, plain, print_json, print_table, progress, yes_option
from chatroom.errors import NotFound, Refused
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

_SHOWN_FAULTS = 20

_force_option = click.option(
    "--force", is_flag=True, help="Ban this machine's own addresses too (127.0.0.1, ::1). Example: --force"
)


@click.group()
def ban() -> None:
    """Keep people out, by name or by where they come from.

    A running daemon applies a ban, and lifts it, within a second.

    \b
    Examples:
      chatroomctl ban add mallory --for 7d --reason "flooding"
      chatroomctl ban add 192.0.2.0/24
    """


@ban.command("add")
@click.argument("target")
@click.option("--name", "as_name", is_flag=True, help="TARGET is a name, nothing else. Example: --name")
@click.option(
    "--ip",
    "as_ip",
    is_flag=True,
    help="Ban addresses; where TARGET is a name, those that it is connected from now. Example: --ip",
)
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    help="How long the ban lasts; without it, permanently. Example: --for 1d12h",
)
@click.option("--reason", default="", metavar="TEXT", help='Told to who is banned. Example: --reason "flooding"')
@_force_option
@yes_option
@json_option
@pass_invocation
def add(
    invocation: Invocation,
    target: str,
    as_name: bool,
    as_ip: bool,
    duration: str | None,
    reason: str,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Ban TARGET: a name, an address or a network.

    Who is connected under that name or from there is disconnected. For an IPv6 address consider its /64, which is what
    one subscriber has: --ip with a name takes that by itself.

    \b
    Examples:
      chatroomctl ban add mallory --for 7d --reason "flooding"
      chatroomctl ban add 2001:db8:0:1::/64
      chatroomctl ban add mallory --ip
    """
    if as_name and as_ip:
        raise click.UsageError("--name and --ip exclude each other")
    reason = check_reason(reason)
    until_at = datetime.now(UTC) + timedelta(seconds=parse_duration(duration)) if duration else None
    targets = choose_targets(invocation, target, as_name, as_ip)
    for one in targets:
        if isinstance(one, NetworkTarget) and one.note:
            click.echo(f"chatroomctl: {one.note}", err=True)
    networks = [one.network for one in targets if isinstance(one, NetworkTarget)]
    confirm_risks(invocation, networks, force, yes)
    with open_stores(invocation.database) as stores:
        added = [_add(stores, invocation, one, reason, until_at) for one in targets]
    if as_json:
        print_json({"database": invocation.database, "bans": added})
        return
    for made in added:
        click.echo(f"Banned {made.target} {_until(made)} (ban {made.id}) in {invocation.database}")


@ban.command("remove")
@click.argument("target_or_id", metavar="TARGET_OR_ID")
@pass_invocation
def remove(invocation: Invocation, target_or_id: str) -> None:
    """Lift the ban on a name, an address or a network, or the one with that number.

    \b
    Examples:
      chatroomctl ban remove mallory
      chatroomctl ban remove 42
    """
    with open_stores(invocation.database) as stores:
        if target_or_id.isdecimal():
            ban_id = int(target_or_id)
        else:
            found = find_exact(stores, parse_target(target_or_id))
            if found is None:
                raise NotFound(f"{target_or_id} is not banned")
            ban_id = found.id
        lifted = stores.bans.lift(ban_id, invocation.actor)
    click.echo(f"Lifted the ban on {plain(lifted.target)} (ban {lifted.id}) in {invocation.database}")


@ban.command("list")
@click.option("--all", "everything", is_flag=True, help="Also bans that were lifted or ran out. Example: --all")
@json_option
@pass_invocation
def list_(invocation: Invocation, everything: bool, as_json: bool) -> None:
    """List the bans in force, newest first.

    \b
    Example:
      chatroomctl ban list --all
    """
    now = datetime.now(UTC)
    with open_stores(invocation.database) as stores:
        bans = stores.bans.list_all() if everything else stores.bans.list_in_force(now)
    if as_json:
        print_json(bans)
        return
    headers = ["ID", "TARGET", "REASON", "BY", "SINCE", "UNTIL", *(["STATE"] if everything else [])]
    print_table(headers, [[*_columns(one), *([_state(one, now)] if everything else [])] for one in bans])


@ban.command("check")
@click.argument("name_or_address", metavar="NAME_OR_ADDRESS")
@json_option
@pass_invocation
def check(invocation: Invocation, name_or_address: str, as_json: bool) -> None:
    """Tell which bans keep a name, an address or a whole network out.

    \b
    Example:
      chatroomctl ban check 192.0.2.7
    """
    target = parse_target(name_or_address)
    with open_stores(invocation.database) as stores:
        found = find_covering(stores, target)
    if as_json:
        print_json(found)
    elif found:
        print_table(["ID", "TARGET", "REASON", "BY", "SINCE", "UNTIL"], [_columns(one) for one in found])
    else:
        click.echo(f"{plain(name_or_address)} is not banned.")


@ban.command("export")
@pass_invocation
def export(invocation: Invocation) -> None:
    """Print the bans in force as JSON Lines: one object a line, oldest first, for "ban import".

    \b
    Example:
      chatroomctl ban export > bans.jsonl
    """
    with open_stores(invocation.database) as stores:
        bans = stores.bans.list_in_force(datetime.now(UTC))
    for one in reversed(bans):
        click.echo(ban_lists.format_line(one))


@ban.command("import")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@click.option("--reason", default="", metavar="TEXT", help="For lines that give none. Example: --reason blocklist")
@click.option("--skip-bad", is_flag=True, help="Leave out lines that cannot be read. Example: --skip-bad")
@_force_option
@yes_option
@pass_invocation
def import_(invocation: Invocation, file: str, reason: str, skip_bad: bool, force: bool, yes: bool) -> None:
    """Add the bans that stand in FILE ("-": standard input).

    FILE is what "ban export" printed, or a list with one name, address or network a line; what follows "#" or ";" is a
    comment. What is banned already stays as it is, so a file can be imported again.

    \b
    Examples:
      chatroomctl ban import bans.jsonl
      curl -s https://example.org/drop.txt | chatroomctl ban import - --reason "drop list"
    """
    reason = check_reason(reason)
    now = datetime.now(UTC)
    with click.open_file(file, encoding="utf-8", errors="replace") as lines:
        wanted, faults = ban_lists.read(lines, reason, allow_loopback=force)
    _report(file, faults, skip_bad)
    with open_stores(invocation.database) as stores:
        new = ban_lists.not_yet_in_force(wanted, stores.bans.list_in_force(now), now)
        wide = [one.target for one in new if one.kind == "ip" and is_wide(ip_network(one.target))]
        if wide:
            named = ", ".join(wide[:3]) + (", ..." if len(wide) > 3 else "")
            confirm(f"Very wide networks: {named} ({len(wide)} in all). Ban them?", yes)
        with progress(len(new), "Importing") as bar:
            ban_lists.add_in_batches(stores.bans, new, invocation.actor, bar.update)
    click.echo(
        f"Added {len(new)} of {len(wanted)} bans to {invocation.database}; the others were there or have run out"
    )


def _add(
    stores: SqliteStores,
    invocation: Invocation,
    target: NameTarget | NetworkTarget,
    reason: str,
    until_at: datetime | None,
) -> Ban:
    if isinstance(target, NameTarget):
        return stores.bans.add("name", target.name, reason, until_at, invocation.actor)
    return stores.bans.add("ip", format_network(target.network), reason, until_at, invocation.actor)


def _columns(one: Ban) -> list[object]:
    return [one.id, one.target, one.reason, one.by, one.created_at, one.until_at or "permanently"]


def _state(one: Ban, now: datetime) -> str:
    if one.lifted_at is not None:
        return f"lifted {moment(one.lifted_at)} by {one.lifted_by}"
    return "in force" if one.in_force(now) else "ran out"


def _until(one: Ban) -> str:
    return "permanently" if one.until_at is None else f"until {moment(one.until_at)}"


def _report(name: str, faults: list[str], skip_bad: bool) -> None:
    """Tell which lines cannot be read, and stop there unless they are to be skipped."""
    for fault in faults[:_SHOWN_FAULTS]:
        click.echo(f"{name}:{plain(fault)}", err=True)
    if len(faults) > _SHOWN_FAULTS:
        click.echo(f"and {len(faults) - _SHOWN_FAULTS} more", err=True)
    if faults and not skip_bad:
        raise Refused(f"lines that cannot be read: {len(faults)}; nothing was imported (--skip-bad leaves them out)")
