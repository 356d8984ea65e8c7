"""``chatroomctl ban``: bans by name and by address. The commands change the database, and a running daemon follows."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import click

from chatroom.chat.admission.ban_policy import check_reason, narrowness
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget, format_network, parse_target
from chatroom.chat.admission.durations import parse_duration
from chatroom.chat.stored.records import Ban
from chatroom.ctl.ban_checks import (
    choose_targets,
    confirm_admins,
    confirm_list,
    confirm_risks,
    find_covering,
    find_exact,
    find_inside,
    names_at_stake,
    targets_of,
)
from chatroom.ctl.ban_outcome import await_disconnected, find_hit, list_present
from chatroom.ctl.control_client import list_unstored_bans
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.imports import require_readable
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import (
    json_option,
    moment,
    open_output,
    print_json,
    print_table,
    progress,
    report,
    report_result,
    result_option,
    say,
)
from chatroom.ctl.own_files import require_other_file
from chatroom.ctl.streams import plain, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import NotFound
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores

BANNED = 3
"""The exit code of ``ban check`` if the target is banned. 1 and 2 are those of errors."""

_force_option = click.option(
    "--force", is_flag=True, help="Allow a ban of this machine's own addresses (127.0.0.1, ::1). Example: --force"
)


@click.group(cls=Subcommands)
def ban() -> None:
    """Ban names, addresses and networks from the server.

    A running daemon applies every change within a second.

    \b
    Examples:
      chatroomctl ban add mallory --for 7d --reason "flooding"
      chatroomctl ban add 192.0.2.0/24
    """


@ban.command("add")
@click.argument("target")
@click.option("--name", "as_name", is_flag=True, help="Accept only a name as TARGET. Example: --name")
@click.option(
    "--ip",
    "as_ip",
    is_flag=True,
    help="Ban by address; for a name, the addresses it is connected from now. Example: --ip",
)
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    help="How long the ban lasts; without it the ban is permanent. Example: --for 1d12h",
)
@click.option("--reason", default="", metavar="TEXT", help='Shown to the banned user. Example: --reason "flooding"')
@_force_option
@result_option("database", "bans", "replaced", "disconnected")
@utc_option
@pass_changing_invocation
def add(
    invocation: Invocation,
    target: str,
    as_name: bool,
    as_ip: bool,
    duration: str | None,
    reason: str,
    force: bool,
    yes: bool,
) -> None:
    """Ban TARGET: a name, an address or a network.

    Users with that name or from that network are disconnected. A ban on TARGET that is in force already is replaced.
    One IPv6 subscriber usually has a whole /64, so ban that instead of one address; --ip with a name does so.

    \b
    Examples:
      chatroomctl ban add mallory --for 7d --reason "flooding"
      chatroomctl ban add 2001:db8:0:1::/64
      chatroomctl ban add mallory --ip
    """
    if as_name and as_ip:
        raise click.UsageError("--name and --ip cannot be used together")
    reason = check_reason(reason)
    until_at = datetime.now(UTC) + timedelta(seconds=parse_duration(duration)) if duration is not None else None
    targets = choose_targets(invocation, target, as_name, as_ip)
    for one in targets:
        if isinstance(one, NetworkTarget):
            for remark in filter(None, (one.note, narrowness(one.network))):
                warn(plain(remark))
    present = list_present(invocation)
    hit = find_hit(present, targets)
    confirm_risks(targets, present, force, yes)
    with open_stores(invocation.address) as stores:
        confirm_admins(stores, names_at_stake(targets, hit), yes)
        replaced = [find_exact(stores, one) for one in targets]
        added = [_add(stores, invocation, one, reason, until_at) for one in targets]
    disconnected = await_disconnected(invocation, hit) if present is not None else None
    lines = []
    for new, before in zip(added, replaced, strict=True):
        instead = f"; it replaces {_described(before)}" if before is not None else ""
        lines.append(f"Banned {new.target} {_until(new)} (ban {new.id}) in {invocation.address}{instead}")
    if disconnected is not None:
        lines.append(disconnected.describe())
    report_result(
        *lines,
        database=invocation.address,
        bans=added,
        replaced=[one for one in replaced if one is not None],
        disconnected=disconnected,
    )


@ban.command("remove")
@click.argument("target_or_id", metavar="TARGET_OR_ID")
@result_option("database", "ban", "covered_by")
@pass_changing_invocation
def remove(invocation: Invocation, target_or_id: str) -> None:
    """Lift a ban, by its target or by its number.

    "ban list" shows the numbers. The target must be the one that was banned: an address inside a banned network is not
    enough.

    \b
    Examples:
      chatroomctl ban remove mallory
      chatroomctl ban remove 42
    """
    with open_stores(invocation.address) as stores:
        # A name cannot begin with a digit, so a number is never a name.
        if target_or_id.isdecimal():
            ban_id = int(target_or_id)
        else:
            target = parse_target(target_or_id)
            found = find_exact(stores, target)
            if found is None:
                raise _not_found(target_or_id, find_covering(stores, target), find_inside(stores, target))
            ban_id = found.id
        lifted = stores.bans.lift(ban_id, invocation.actor)
        still = find_covering(stores, parse_target(lifted.target))
    report_result(
        f"Lifted the ban on {lifted.target} (ban {lifted.id}) in {invocation.address}",
        database=invocation.address,
        ban=lifted,
        covered_by=still,
    )
    if still:
        warn(plain(f"{lifted.target} stays banned: it is covered by {_named(still)}"))


@ban.command("list")
@click.option("--all", "everything", is_flag=True, help="Include bans that were lifted or ran out. Example: --all")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, everything: bool, as_json: bool) -> None:
    """List the bans in force, newest first.

    A ban that acts but that the database refused, because the disk is full, is shown as NOT STORED; in JSON its id is
    0. The daemon tries again until it is stored.

    \b
    Example:
      chatroomctl ban list --all
    """
    now = datetime.now(UTC)
    with open_stores(invocation.address) as stores:
        bans = stores.bans.list_all() if everything else stores.bans.list_in_force(now)
    bans = [*list_unstored_bans(invocation), *bans]
    if as_json:
        print_json(bans)
        return
    headers = ["ID", "TARGET", "REASON", "BY", "SINCE", "UNTIL", *(["STATE"] if everything else [])]
    print_table(headers, [[*_columns(one), *([_state(one, now)] if everything else [])] for one in bans])


@ban.command("check")
@click.argument("name_or_address", metavar="NAME_OR_ADDRESS")
@json_option
@utc_option
@pass_invocation
def check(invocation: Invocation, name_or_address: str, as_json: bool) -> None:
    """Show the bans on a name or an address.

    The narrowest ban comes first. A network is banned if a ban covers all of it; otherwise the bans inside it are
    listed. The exit code is 3 if NAME_OR_ADDRESS is banned, 0 if it is not, and 1 after an error.

    \b
    Example:
      chatroomctl ban check 192.0.2.7
    """
    target = parse_target(name_or_address)
    with open_stores(invocation.address) as stores:
        found = find_covering(stores, target)
        inside = [] if found else find_inside(stores, target)
    if as_json:
        print_json(found)
    elif found or inside:
        if inside:
            say(f"{name_or_address} is not banned as a whole. Bans inside it:")
        print_table(["ID", "TARGET", "REASON", "BY", "SINCE", "UNTIL"], [_columns(one) for one in found or inside])
    else:
        say(f"{name_or_address} is not banned.")

    if found:
        click.get_current_context().exit(BANNED)


@ban.command("export")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False), default="-")
@pass_invocation
def export(invocation: Invocation, file: str) -> None:
    """Write the bans in force to FILE or print them, for "ban import".

    The output is JSON Lines: one ban on each line, oldest first. Only you can read FILE. A FILE that exists is replaced
    when the export is complete.

    \b
    Example:
      chatroomctl ban export bans.jsonl
    """
    from chatroom.ctl.ban_lists import format_line  # here and below, because a single ban needs no JSON

    require_other_file(invocation, file)
    with open_stores(invocation.address) as stores:
        bans = stores.bans.list_in_force(datetime.now(UTC))
    # Oldest first, so that an import numbers the bans in the same order.
    with open_output(file) as target:
        for one in reversed(bans):
            click.echo(format_line(one), file=target)
    if file != "-":
        report(f"Wrote {len(bans)} bans of {invocation.address} to {file}")


@ban.command("import")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@click.option(
    "--reason", default="", metavar="TEXT", help="The reason for lines without one. Example: --reason blocklist"
)
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    help="How long bans last whose line gives no end; without it they are permanent. Example: --for 7d",
)
@click.option(
    "--networks", is_flag=True, help="Accept only addresses and networks: a name is a bad line. Example: --networks"
)
@click.option("--comments", is_flag=True, help="Take the comment of a line as its reason. Example: --comments")
@click.option("--skip-bad", is_flag=True, help="Import the other lines if some cannot be read. Example: --skip-bad")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported. Example: --dry-run")
@_force_option
@result_option("database", "added", "unchanged", "skipped", "disconnected", "dry_run")
@pass_changing_invocation
def import_(
    invocation: Invocation,
    file: str,
    reason: str,
    duration: str | None,
    networks: bool,
    comments: bool,
    skip_bad: bool,
    dry_run: bool,
    force: bool,
    yes: bool,
) -> None:
    """Add the bans listed in FILE, or "-" for standard input.

    FILE is the output of "ban export", or a plain list: one name, address or network on each line, with comments after
    "#" or ";". The lists of "fail2ban-client get JAIL banip" (with and without --with-time) and of "ipset save" are
    read too, with their ends. A target that is banned for as long or longer keeps its ban, so the same file can be
    imported again.

    \b
    Examples:
      chatroomctl ban import bans.jsonl
      curl -s https://example.org/drop.txt | chatroomctl ban import - --networks --for 7d --reason "drop list"
    """
    from chatroom.ctl import ban_lists

    reason = check_reason(reason)
    now = datetime.now(UTC)
    until_at = now + timedelta(seconds=parse_duration(duration)) if duration is not None else None
    plain_lines = ban_lists.PlainLines(until_at, networks, comments, invocation.zone)
    # A byte that is not UTF-8 makes its own line bad and not the whole file.
    with (
        click.open_file(file, encoding="utf-8", errors="replace") as lines,
        progress(0 if file == "-" else os.path.getsize(file), "Reading") as bar,
    ):
        wanted, errors = ban_lists.read(lines, reason, allow_loopback=force, plain=plain_lines, on_read=bar.update)
    require_readable(file, errors, skip_bad)
    with open_stores(invocation.address) as stores:
        new = ban_lists.not_yet_in_force(wanted, stores.bans.list_in_force(now), now)
        present = None if dry_run else list_present(invocation)
        hit = find_hit(present, targets := targets_of(new, present))
        if not dry_run:
            confirm_list(stores, targets, present, yes)
            with progress(len(new), "Importing") as bar:
                ban_lists.add_in_batches(stores.bans, new, invocation.actor, bar.update)
    disconnected = await_disconnected(invocation, hit) if present is not None else None
    others = [f"{len(wanted) - len(new)} are in force already or have run out"]
    if errors:
        others.append(f"{len(errors)} lines cannot be read and were skipped")
    report_result(
        f"{'Would add' if dry_run else 'Added'} {len(new)} of {len(wanted)} bans to {invocation.address};"
        f" {', '.join(others)}",
        *([disconnected.describe()] if disconnected is not None else []),
        database=invocation.address,
        added=len(new),
        unchanged=len(wanted) - len(new),
        skipped=errors,
        disconnected=disconnected,
        dry_run=dry_run,
    )


def _add(
    stores: SqlStores,
    invocation: Invocation,
    target: NameTarget | NetworkTarget,
    reason: str,
    until_at: datetime | None,
) -> Ban:
    if isinstance(target, NameTarget):
        return stores.bans.add("name", target.name, reason, until_at, invocation.actor)
    return stores.bans.add("ip", format_network(target.network), reason, until_at, invocation.actor)


def _not_found(target: str, covering: list[Ban], inside: list[Ban]) -> NotFound:
    """Return the refusal for a target without a ban of its own. Others may cover it, or be inside it."""
    if inside and not covering:
        more = f" and {len(inside) - 5} more" if len(inside) > 5 else ""
        return NotFound(f"{target} is not banned as a whole; inside it: {_named(inside[:5])}{more}")
    if not covering:
        return NotFound(f"{target} is not banned")
    return NotFound(f"{target} has no ban of its own but is covered by {_named(covering)}; remove that by its number")


def _named(bans: list[Ban]) -> str:
    return ", ".join(f"ban {one.id} on {one.target}" for one in bans)


def _described(one: Ban) -> str:
    return f"ban {one.id} by {one.by}, {_until(one)}, {one.reason or 'no reason given'}"


def _columns(one: Ban) -> list[object]:
    return [one.id or "NOT STORED", one.target, one.reason, one.by, one.created_at, one.until_at or "permanently"]


def _state(one: Ban, now: datetime) -> str:
    if one.lifted_at is not None:
        return f"lifted {moment(one.lifted_at)} by {one.lifted_by}"
    return "in force" if one.in_force(now) else "ran out"


def _until(one: Ban) -> str:
    return "permanently" if one.until_at is None else f"until {moment(one.until_at)}"
