"""The database: whether it can be used by this version, and has no faults and an admin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.output import progress, size
from chatroom.errors import ChatroomError, DatabaseMissing, ForeignLog
from chatroom.findings import Finding
from chatroom.storage.opening import inspect
from chatroom.storage.sql.inspection import DatabaseStatus, Inspection

_LARGE_LOG_BYTES = 64 * 1024 * 1024
"""A write-ahead log above this has not been moved into the database for long: it is at most 4 MiB otherwise."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with the database."""
    try:
        inspection = inspect(scene.database)
    except DatabaseMissing:
        yield Finding(
            f"{scene.database}: there is no database",
            'make it and its first admin: "chatroomctl user create-admin NAME"',
        )
        return
    except ForeignLog as error:  # its text has the way out
        problem, _, way_out = str(error).partition("; ")
        yield Finding(problem, way_out)
        return
    except ChatroomError as error:
        yield Finding(str(error), _UNUSABLE_FILE if isinstance(scene.database, Path) else _UNUSABLE_SERVER)
        return
    with inspection:
        status = inspection.read_status(served=bool(scene.daemon))
        yield from _find_in_status(status)
        faults = [] if scene.is_quick else find_faults(inspection)
    if faults:
        yield Finding(f"{scene.database}: faults found: {len(faults)}, the first in {faults[0]}", REPAIR)


REPAIR = "restore a backup of the database"
_UNUSABLE_FILE = 'check path and owner of the file, or put a backup in its place ("chatroomctl db restore")'
_UNUSABLE_SERVER = "check that the server runs, and database.url and its password"


def find_faults(inspection: Inspection) -> list[str]:
    """Read the whole database and return its faults, with a progress bar."""
    faults: list[str] = []
    checks = inspection.list_checks()
    with progress(len(checks), "Checking") as bar:
        for one in checks:
            faults += inspection.run_check(one)
            bar.update(1)
    return faults


def _find_in_status(status: DatabaseStatus) -> Iterator[Finding]:
    if status.state == "outdated":
        way_out = 'restart the daemon, which upgrades it, or run "chatroomctl db migrate"'
        yield Finding(
            f"{status.path}: its version is {status.version}, and this chatroom needs {status.newest_version}", way_out
        )
    elif status.state == "newer":
        yield Finding(
            f"{status.path}: written by a newer chatroom (version {status.version}; this one knows"
            f" {status.newest_version})",
            "install that version again, or restore a copy from before the upgrade",
        )
    elif not status.rows["admins"]:
        yield Finding("no admin can log in", 'make one: "chatroomctl user create-admin NAME"')
    if status.log_size > _LARGE_LOG_BYTES:
        yield Finding(
            f"the write-ahead log has {size(status.log_size)}, because a program reads the database for very long",
            f"end that program: fuser {status.path} names it",
        )
