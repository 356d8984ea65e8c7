"""``chatroomctl db``: status, migration, backup and check of the database file."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, print_json, print_pairs, progress, report, say, size
from chatroom.errors import AlreadyServing, DatabaseMissing, Refused
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.backup import write_copy
from chatroom.storage.sqlite.inspection import DatabaseStatus, list_checks, open_any, read_status, run_check
from chatroom.storage.sqlite.sqlite_stores import open_stores

_ROW_LABELS = {
    "accounts": "Accounts",
    "admins": "Admins",
    "bans_in_force": "Bans in force",
    "bans": "Bans in all",
    "channels": "Channels",
    "audit": "Audit entries",
}


@click.group()
def db() -> None:
    """Show, migrate, copy and check the database file.

    \b
    Examples:
      chatroomctl db status
      chatroomctl db backup /var/backups/chatroom.db
    """


@db.command("status")
@json_option
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> None:
    """Show path, version, size and contents.

    \b
    Example:
      chatroomctl db status
    """
    # open_any() also opens a database of another version, which open_stores() refuses.
    with contextlib.closing(open_any(invocation.database)) as database:
        found = read_status(database)
    if as_json:
        print_json(found)
        return
    print_pairs(
        [
            ("Database", found.path),
            ("Version", _version(found)),
            ("Served", "yes, by a daemon" if found.served else "no"),
            ("Size", f"{size(found.size)}, of which {size(found.free)} free; log {size(found.log_size)}"),
            ("SQLite", found.sqlite_version),
            *((_ROW_LABELS.get(name, name), count) for name, count in found.rows.items()),
        ]
    )


@db.command("migrate")
@pass_changing_invocation
def migrate(invocation: Invocation) -> None:
    """Upgrade the database, or create it.

    It gets the version that this chatroom needs. An older database is first copied to a file in the same directory. The
    daemon does the same when it starts.

    \b
    Example:
      chatroomctl db migrate
    """
    path = invocation.database
    try:
        with contextlib.closing(open_any(path)) as database:
            before = read_status(database)
    except DatabaseMissing:
        open_stores(path, create=True).close()
        report(f"Created {path}")
        return
    if before.state == "current":
        say(f"{path} is at version {before.version}, the newest: nothing to do")
        return
    # With the lock of a daemon held, none can start while the schema changes.
    try:
        with DaemonLock.acquire(path), open_stores(path, migrate=True) as stores:
            copy = stores.upgraded_from
    except AlreadyServing:
        raise Refused(f"{path}: a daemon uses this database; stop it first") from None
    report(f"Migrated {path} from version {before.version} to {before.newest_version}; the old one is in {copy}")


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it exists. Example: --force")
@pass_invocation
def backup(invocation: Invocation, file: Path, force: bool) -> None:
    """Copy the database to FILE while the daemon runs.

    FILE is a complete database, with the contents of a single moment. To restore it, stop the daemon, remove the
    database and its -wal and -shm files, and put FILE in its place.

    \b
    Examples:
      chatroomctl db backup /var/backups/chatroom.db
      chatroomctl db backup --force nightly.db
    """
    # The bar counts thousandths, because the number of pages is known only when the copy has begun.
    with contextlib.closing(open_any(invocation.database)) as database, progress(1000, "Copying") as bar:
        write_copy(
            database,
            file,
            replace=force,
            progress=lambda done, total: bar.update(1000 * done // max(total, 1) - bar.pos),
        )
    report(f"Copied {invocation.database} to {file} ({size(file.stat().st_size)})")


@db.command("check")
@json_option
@pass_invocation
def check(invocation: Invocation, as_json: bool) -> None:
    """Check the whole database for faults.

    The faults are listed. The exit code is 1 if there are any.

    \b
    Example:
      chatroomctl db check
    """
    faults: list[str] = []
    with contextlib.closing(open_any(invocation.database)) as database:
        checks = list_checks(database)
        with progress(len(checks), "Checking") as bar:
            for one in checks:
                faults += run_check(database, one)
                bar.update(1)
    if as_json:
        print_json({"database": invocation.database, "ok": not faults, "faults": faults})
    else:
        for fault in faults:
            say(fault)
    if faults:
        raise Refused(f"{invocation.database}: faults found: {len(faults)}; restore a backup of the database")
    if not as_json:
        say(f"{invocation.database} has no faults")


def _version(status: DatabaseStatus) -> str:
    notes = {
        "current": "",
        "outdated": f" (this chatroom needs {status.newest_version}: run chatroomctl db migrate)",
        "newer": f" (from a newer chatroom: this one knows {status.newest_version})",
    }
    return f"{status.version}{notes[status.state]}"
