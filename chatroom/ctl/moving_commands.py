"""``chatroomctl import ergo``, ``ngircd`` and ``accounts``: what other programs have."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Sized
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.imports import named_file, raise_at_signals, require_readable
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.offline import exclusive
from chatroom.ctl.output import progress, report_result, result_option
from chatroom.ctl.streams import warn
from chatroom.database_address import DatabaseAddress
from chatroom.errors import AlreadyExists, DatabaseMissing, Refused
from chatroom.storage.daemon_lock import is_held

if TYPE_CHECKING:
    from chatroom.ctl.moving.arrivals import Arrivals
    from chatroom.ctl.moving.taking_in import Plan

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Check everything, and say what would be imported. Example: --dry-run"
)
_force_option = click.option(
    "--force", is_flag=True, help="Import names that accounts.reserved_names keeps for the server. Example: --force"
)
_passwords_option = click.option(
    "--new-passwords",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Give accounts without a usable password one, and write them to FILE. Example: --new-passwords new.csv",
)
_file_argument = click.argument("file", type=click.Path(exists=True, allow_dash=True, dir_okay=False))
_result_option = result_option(
    *("database", "accounts", "channels", "bans", "known", "left_out", "settings", "new_passwords", "dry_run")
)


@click.command("ergo")
@_file_argument
@dry_run_option
@_passwords_option
@_force_option
@_result_option
@pass_changing_invocation
def ergo(invocation: Invocation, file: str, dry_run: bool, new_passwords: Path | None, force: bool) -> None:
    """Import accounts, channels and bans from the database of Ergo.

    FILE is Ergo's own database, usually ircd.db; Ergo has no export. Stop Ergo first, and our daemon too. Passwords,
    SCRAM and certificates go on to work. What the database has already stays as it is. What cannot be taken over is
    listed: the history, vhosts, further nicks, K-lines of masks.

    \b
    Examples:
      chatroomctl import ergo --dry-run ircd.db
      chatroomctl import ergo ircd.db
    """
    from chatroom.ctl.moving.ergo_database import read_ergo

    with named_file(file), click.open_file(file, "rb") as given:
        arrivals = read_ergo(given, datetime.now(UTC))
    _take_in(invocation, file, arrivals, dry_run=dry_run, new_passwords=new_passwords, force=force)


@click.command("ngircd")
@_file_argument
@click.option(
    "--operators",
    type=click.Choice(["moderator", "admin"]),
    default="moderator",
    show_default=True,
    help="The role of the accounts that operators become. Example: --operators admin",
)
@dry_run_option
@_passwords_option
@_force_option
@_result_option
@pass_changing_invocation
def ngircd(
    invocation: Invocation, file: str, operators: str, dry_run: bool, new_passwords: Path | None, force: bool
) -> None:
    """Import operators and channels from the configuration of ngIRCd.

    FILE is ngircd.conf. Stop the daemon first. An operator becomes an account with the same password, a persistent
    channel a channel with its topic, modes and key. Other variables that have a setting here are listed as commands,
    for you to run. ngIRCd stores nothing else.

    \b
    Examples:
      chatroomctl import ngircd --dry-run /etc/ngircd/ngircd.conf
      chatroomctl import ngircd --operators admin /etc/ngircd/ngircd.conf
    """
    from chatroom.chat.stored.records import Role
    from chatroom.ctl.moving.ngircd_config import read_ngircd

    with named_file(file), click.open_file(file, encoding="utf-8", errors="replace") as lines:
        arrivals = read_ngircd(lines, Role.from_word(operators), datetime.now(UTC))
    _take_in(invocation, file, arrivals, dry_run=dry_run, new_passwords=new_passwords, force=force)


@click.command("accounts")
@_file_argument
@click.option("--skip-bad", is_flag=True, help="Import the other lines if some cannot be read. Example: --skip-bad")
@dry_run_option
@_passwords_option
@_force_option
@_result_option
@pass_changing_invocation
def accounts(
    invocation: Invocation, file: str, skip_bad: bool, dry_run: bool, new_passwords: Path | None, force: bool
) -> None:
    """Import accounts from a list: CSV, or JSON Lines.

    The first line of a CSV file names the columns. There is "name" and, as you like, "role", "email", "created_at",
    "disabled", and "password" or "password_hash" (bcrypt, as htpasswd -B and PHP make it). JSON Lines have the same
    keys. An account that exists stays as it is. The daemon may run.

    \b
    Examples:
      chatroomctl import accounts people.csv --new-passwords new.csv
      chatroomctl import accounts --dry-run people.jsonl
    """
    from chatroom.ctl.moving.account_lists import read_accounts

    with named_file(file), click.open_file(file, encoding="utf-8", errors="replace") as lines:
        arrivals, errors = read_accounts(lines)
    require_readable(file, errors, skip_bad)
    _take_in(invocation, file, arrivals, dry_run=dry_run, new_passwords=new_passwords, force=force)


def _take_in(
    invocation: Invocation, file: str, arrivals: Arrivals, *, dry_run: bool, new_passwords: Path | None, force: bool
) -> None:
    from chatroom.ctl.moving import taking_in
    from chatroom.storage.opening import open_stores

    path, settings = invocation.address, invocation.settings.accounts
    if arrivals.channels and is_held(path):
        raise Refused(f"{path}: a daemon uses this database; stop it first, because it has the channels in memory")
    try:
        with open_stores(path) as stores:
            plan = taking_in.make_plan(stores, arrivals, settings, force=force)
    except DatabaseMissing:
        plan = taking_in.make_plan(None, arrivals, settings, force=force)
    if not dry_run:
        _require_passwords(plan, new_passwords)
        hashed = [one for one in plan.accounts if one.password is not None or one.name in plan.passwords]
        with progress(len(hashed), "Hashing passwords") as bar:
            taking_in.hash_passwords(plan, settings, bar.update)
        with open_stores(path, create=True) as stores, _alone(path, arrivals), raise_at_signals():
            # Again, because others may have made accounts or bans meanwhile.
            if taking_in.make_plan(stores, arrivals, settings, force=force).known != plan.known:
                raise Refused("the database has changed meanwhile; nothing was imported, try again")
            with _written(plan, new_passwords):
                taking_in.store(stores, plan, invocation.actor)
    for name in plan.weak:
        warn(f'the password of {name} is weak; "chatroomctl user passwd {name}" sets a new one')
    _report(invocation, file, arrivals, plan, new_passwords, dry_run=dry_run)


def _alone(path: DatabaseAddress, arrivals: Arrivals) -> contextlib.AbstractContextManager[None]:
    """Keep a daemon from starting while channels are written, which it reads at its start only."""
    return exclusive(path) if arrivals.channels else contextlib.nullcontext()


def _require_passwords(plan: Plan, new_passwords: Path | None) -> None:
    if plan.passwords and new_passwords is None:
        accounts = _count(plan.passwords, "account")
        raise Refused(f"{accounts} without a password that can be used: --new-passwords FILE makes new ones")
    if new_passwords is not None and os.path.lexists(new_passwords):
        raise AlreadyExists(f"{new_passwords}: exists already")


@contextlib.contextmanager
def _written(plan: Plan, new_passwords: Path | None) -> Iterator[None]:
    """Write the passwords that were made up before the accounts are stored. If that fails, the file goes again."""
    from chatroom.new_file import new_file

    if not plan.passwords or new_passwords is None:
        yield
        return
    with new_file(new_passwords) as out:
        rows = csv.writer(out)
        rows.writerow(["name", "password"])
        rows.writerows(plan.passwords.items())
    try:
        yield
    except BaseException:
        new_passwords.unlink(missing_ok=True)
        raise


def _report(
    invocation: Invocation,
    file: str,
    arrivals: Arrivals,
    plan: Plan,
    new_passwords: Path | None,
    *,
    dry_run: bool,
) -> None:
    counted = f"{_count(plan.accounts, 'account')}, {_count(plan.channels, 'channel')} and {_count(plan.bans, 'ban')}"
    did = f"{file}: would import {counted} into" if dry_run else f"Imported {counted} of {file} into"
    lines = [f"{did} {invocation.address}; there already: {plan.known}"]
    if plan.passwords:
        where = "" if new_passwords is None else f": {new_passwords}"
        lines.append(f"New passwords for {_count(plan.passwords, 'account')} without one{where}")
    if plan.left_out:
        lines.append("Not taken over:")
        lines += [f"  {what}" + (f" ({count} times)" if count > 1 else "") for what, count in plan.left_out.items()]
    if arrivals.settings:
        lines.append("To have the settings of the other server:")
        lines += [f"  {setting}" for setting in arrivals.settings]
    report_result(
        *lines,
        database=invocation.address,
        accounts=[account.name for account in plan.accounts],
        channels=[channel.name for channel in plan.channels],
        bans=[ban.target for ban in plan.bans],
        known=plan.known,
        left_out=plan.left_out,
        settings=arrivals.settings,
        new_passwords=new_passwords if plan.passwords and not dry_run else None,
        dry_run=dry_run,
    )


def _count(items: Sized, word: str) -> str:
    return f"{len(items)} {word}{'' if len(items) == 1 else 's'}"
