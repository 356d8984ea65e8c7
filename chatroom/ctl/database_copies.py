"""``chatroomctl db backup`` and ``db vacuum``: whole copies of the database, beside it or elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.database_tools import require_file
from chatroom.ctl.imports import raise_at_signals
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.offline import exclusive
from chatroom.ctl.output import progress, report_result, result_option, size, wants_json
from chatroom.ctl.own_files import require_other_file
from chatroom.ctl.streams import plain
from chatroom.errors import Refused
from chatroom.storage.sqlite.backup import Progress, write_copy
from chatroom.storage.sqlite.copy_check import require_sound
from chatroom.storage.sqlite.file_inspection import open_any, read_status
from chatroom.storage.sqlite.restore import put_in_place
from chatroom.storage.sqlite.sqlite_stores import open_stores
from chatroom.storage.sqlite.vacuum import rewritten

_STDOUT = Path("-")


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--force", is_flag=True, help="Replace FILE if it exists. Example: --force")
@result_option("database", "file", "size")
@pass_invocation
def backup(invocation: Invocation, file: Path, force: bool) -> None:
    """Copy the database to FILE while the daemon runs.

    FILE is a complete database, with the contents of a single moment, and is checked for faults before it gets its
    name. "db restore" puts it in the place of the database. If FILE is -, the copy goes to standard output; it is first
    made beside the database, where there must be room for it. For a database on a server, pg_dump does this.

    \b
    Examples:
      chatroomctl db backup /var/backups/chatroom.db
      chatroomctl db backup - | gzip > nightly.db.gz
    """
    require_file(invocation.address, "backup", file)
    with raise_at_signals():
        if file == _STDOUT:
            _copy_to_stdout(invocation)
            return
        require_other_file(invocation, str(file))
        _copy(invocation, file, replace=force)
    copied = file.stat().st_size
    text = f"Copied {invocation.database} to {file} ({size(copied)}), and found no faults in the copy"
    report_result(text, database=invocation.database, file=file, size=copied)


def _copy_to_stdout(invocation: Invocation) -> None:
    if wants_json():
        raise click.UsageError("--json and FILE - cannot be used together: both would go to standard output")
    if sys.stdout.isatty():
        raise Refused("the copy is no text for a terminal: send it to a file or a pipe, as in: db backup - > FILE")
    real = Path(os.path.realpath(invocation.database))
    copy = real.with_name(f"{real.name}.backup-{os.getpid()}")
    try:
        _copy(invocation, copy, shown=Path("standard output"))
        copied = copy.stat().st_size
        with open(copy, "rb") as source, copy_progress("Writing") as on_progress:
            while part := source.read(1024 * 1024):
                sys.stdout.buffer.write(part)
                on_progress(source.tell(), copied)
        sys.stdout.buffer.flush()
    finally:
        copy.unlink(missing_ok=True)
    click.echo(plain(f"Copied {invocation.database} to standard output ({size(copied)})"), err=True)


def _copy(invocation: Invocation, file: Path, *, replace: bool = False, shown: Path | None = None) -> None:
    def check(copy: Path) -> None:
        with copy_progress("Checking") as on_progress:
            require_sound(copy, shown or file, progress=on_progress)

    with contextlib.closing(open_any(invocation.database)) as database, copy_progress() as on_progress:
        write_copy(database, file, replace=replace, progress=on_progress, check=check)


@click.command("vacuum")
@result_option("database", "before", "after", "freed")
@pass_changing_invocation
def vacuum(invocation: Invocation) -> None:
    """Write the database anew, without free pages and with the pages of each table together.

    Stop the daemon first. A running one gives the room of deleted messages back to the disk by itself; what this gains
    beyond that is quicker searches in a history that has changed much. The new file is made beside the old one, where
    there must be room for it, and is checked before it takes the old one's place.

    \b
    Example:
      systemctl stop chatroom && sudo -u chatroom chatroomctl db vacuum && systemctl start chatroom
    """
    path = Path(os.path.realpath(require_file(invocation.address, "vacuum")))
    with exclusive(path), raise_at_signals():
        with contextlib.closing(open_any(path)) as database:
            is_current = read_status(database).state == "current"
            before = _bytes_used(path)
            with copy_progress("Writing") as on_writing, rewritten(database, on_writing) as made:
                with copy_progress("Checking") as on_checking:
                    require_sound(made, path, progress=on_checking)
                database.close()
                for old in put_in_place(made, path, datetime.now(UTC)):
                    old.unlink()
        if is_current:
            with open_stores(path) as stores:
                stores.audit.add(invocation.actor, "db.vacuum", plain(str(path)), "")
        after = _bytes_used(path)
    freed = max(before - after, 0)
    text = f"Wrote {path} anew: {size(before)} before, {size(after)} now; freed {size(freed)}"
    report_result(text, database=path, before=before, after=after, freed=freed)


def _bytes_used(path: Path) -> int:
    """Return the bytes of a database with its write-ahead log."""
    return sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())


@contextlib.contextmanager
def copy_progress(label: str = "Copying") -> Iterator[Progress]:
    """Show a progress bar, which the yielded function moves."""
    # The bar counts thousandths, because the number of pages is known only when the copy has begun.
    with progress(1000, label) as bar:
        yield lambda done, total: bar.update(1000 * done // max(total, 1) - bar.pos)
