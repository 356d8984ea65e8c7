"""``chatroomctl db``: status, migration, restoring and check of the database."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import click

from chatroom.ctl.checks.database_health import REPAIR, find_faults
from chatroom.ctl.copy_command import copy
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.database_copies import backup, copy_progress, vacuum
from chatroom.ctl.database_tools import require_file
from chatroom.ctl.imports import raise_at_signals
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.offline import exclusive, is_served
from chatroom.ctl.output import (
    confirm,
    json_option,
    moment,
    print_json,
    print_pairs,
    report_result,
    result_option,
    say,
    size,
)
from chatroom.ctl.streams import plain, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import DatabaseDamaged, DatabaseMissing, DatabaseNewer, Refused
from chatroom.storage.file_modes import find_open_files
from chatroom.storage.opening import inspect, newest_version, open_stores
from chatroom.storage.sql.inspection import DatabaseStatus

_ROW_LABELS = {
    "accounts": "Accounts",
    "admins": "Admins",
    "bans_in_force": "Bans in force",
    "bans": "Bans in all",
    "filters": "Spam filters",
    "channels": "Channels",
    "audit": "Audit entries",
}


@click.group(cls=Subcommands)
def db() -> None:
    """Show, migrate, copy, restore, check and shrink the database.

    \b
    Examples:
      chatroomctl db status
      chatroomctl db backup /var/backups/chatroom.db
    """


db.add_command(backup)
db.add_command(copy)
db.add_command(vacuum)


@db.command("status")
@json_option
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> None:
    """Show path, version, size and contents.

    \b
    Example:
      chatroomctl db status
    """
    # inspect() also opens a database of another version, which open_stores() refuses.
    with inspect(invocation.address) as inspection:
        found = inspection.read_status(served=is_served(invocation.address))
    if as_json:
        print_json(found)
        return
    if found.postgresql_version is None:
        where = [
            ("Size", f"{size(found.size)}, of which {size(found.free)} free; log {size(found.log_size)}"),
            ("SQLite", found.sqlite_version),
        ]
    else:
        where = [("Size", size(found.size)), ("PostgreSQL", found.postgresql_version)]
    print_pairs(
        [
            ("Database", found.path),
            ("Version", _version(found)),
            ("Served", "yes, by a daemon" if found.served else "no"),
            *where,
            *((_ROW_LABELS.get(name, name), count) for name, count in found.rows.items()),
        ]
    )


@db.command("migrate")
@result_option("database", "version", "before", "copy")
@pass_changing_invocation
def migrate(invocation: Invocation) -> None:
    """Upgrade the database, or create it.

    It gets the version that this chatroom needs. An older database in a file is first copied to a file in the same
    directory; of one on a server, make a copy with pg_dump. The daemon does the same when it starts.

    \b
    Example:
      chatroomctl db migrate
    """
    address = invocation.address
    try:
        with inspect(address) as inspection:
            before = inspection.read_status(served=False)
    except DatabaseMissing:
        open_stores(address, create=True).close()
        report_result(f"Created {address}", database=address, version=newest_version(), before=None, copy=None)
        return
    found: dict[str, object] = {"database": address, "version": before.newest_version, "before": before.version}
    if before.state == "current":
        report_result(f"{address} is at version {before.version}, the newest: nothing to do", **found, copy=None)
        return
    # With the lock of a daemon held, none can start while the schema changes.
    with (
        exclusive(address),
        copy_progress() as on_progress,
        open_stores(address, migrate=True, progress=on_progress) as stores,
    ):
        copy = stores.upgraded_from
    text = f"Migrated {address} from version {before.version} to {before.newest_version}"
    report_result(f"{text}; the old one is in {copy}" if copy is not None else text, **found, copy=copy)


@db.command("restore")
@click.argument("file", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@result_option("database", "restored_from", "version", "newest_at", "kept")
@pass_changing_invocation
def restore(invocation: Invocation, file: Path, yes: bool) -> None:
    """Put FILE, a copy of a database, in the place of the database.

    Stop the daemon first. FILE is checked for faults, and stays as it is. The database that was there is kept beside
    the new one, with its logs, under a name with the time. For a database on a server, pg_restore does this.

    \b
    Examples:
      chatroomctl db restore /var/backups/chatroom.db
      chatroomctl --database ./team.db db restore --yes nightly.db
    """
    from chatroom.storage.sqlite.restore import fetch_copy, put_in_place  # here, as only a file has copies

    path = require_file(invocation.address, "restore", file)
    with raise_at_signals(), contextlib.ExitStack() as at_end:
        with copy_progress() as on_progress:
            fetched = fetch_copy(file, path, on_progress)
        at_end.callback(fetched.unlink, missing_ok=True)
        with exclusive(path, may_be_missing=True):
            version, newest_at = _require_sound(file, fetched)
            if path.exists():
                said = "has no messages" if newest_at is None else f"has messages up to {moment(newest_at)}"
                confirm(f"Replace {path} with {file}, which {said}? The files that are there now are kept.", yes)
            kept = put_in_place(fetched, path, datetime.now(UTC))
            if version == newest_version():
                with open_stores(path) as stores:
                    stores.audit.add(invocation.actor, "db.restore", plain(str(path)), plain(f"from {file}"))
    older = "" if version == newest_version() else f" (version {version}; the next start of the daemon upgrades it)"
    lines = [f"Restored {path} from {file}{older}"]
    if kept:
        lines.append(f"What was there is kept as {', '.join(map(str, kept))}")
    report_result(*lines, database=path, restored_from=file, version=version, newest_at=newest_at, kept=kept)


@db.command("check")
@json_option
@pass_invocation
def check(invocation: Invocation, as_json: bool) -> None:
    """Check the whole database for faults.

    The faults are listed. The exit code is 1 if there are any. Files that other users may read are warned of.

    \b
    Example:
      chatroomctl db check
    """
    address = invocation.address
    with inspect(address) as inspection:
        faults = find_faults(inspection)
    for finding in find_open_files(address) if isinstance(address, Path) else ():
        warn(plain(str(finding)))
    if as_json:
        print_json({"database": address, "ok": not faults, "faults": faults})
    else:
        for fault in faults:
            say(fault)
    if faults:
        raise Refused(f"{address}: faults found: {len(faults)}; {REPAIR}")
    if not as_json:
        say(f"{address} has no faults")


def _require_sound(file: Path, fetched: Path) -> tuple[int, datetime | None]:
    """Return the version of the copied FILE and the time of its newest message. Raises ``StorageError``."""
    try:
        with inspect(fetched) as inspection:
            found = inspection.read_status(served=False)
            if found.state == "newer":
                raise DatabaseNewer(
                    f"{file}: written by a newer chatroom (version {found.version}; this one knows"
                    f" {found.newest_version})"
                )
            faults = find_faults(inspection)
            if faults:
                raise DatabaseDamaged(f"{file}: not restored; faults found: {len(faults)}, the first in {faults[0]}")
            return found.version, inspection.newest_entry_at()
    except DatabaseMissing:
        raise DatabaseMissing(f"{file}: not restored, the file is empty: name another backup") from None
    except DatabaseDamaged as error:
        # SQLite's errors name the copy of FILE, which nobody has heard of.
        raise DatabaseDamaged(str(error).replace(str(fetched), str(file))) from None


def _version(status: DatabaseStatus) -> str:
    notes = {
        "current": "",
        "outdated": f" (this chatroom needs {status.newest_version}: run chatroomctl db migrate)",
        "newer": f" (from a newer chatroom: this one knows {status.newest_version})",
    }
    return f"{status.version}{notes[status.state]}"
