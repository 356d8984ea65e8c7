"""``chatroomctl import``: an archive of chatroom, or what other programs have."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatroom.ctl import moving_commands
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.imports import named_file, open_seekable, raise_at_signals
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.offline import refused_while_served
from chatroom.ctl.output import confirm, progress, report_result, result_option
from chatroom.ctl.streams import plain, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.database_address import DatabaseAddress
from chatroom.errors import DatabaseMissing, Refused

if TYPE_CHECKING:
    from chatroom.ctl.archive_file import ArchiveReader

_ARCHIVE = "archive"


class Imports(Subcommands):
    """``import FILE`` is ``import archive FILE``. A file that is called as a subcommand is written with its path."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, with the subcommand put before them if they name none."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_ARCHIVE, *args]
        return super().parse_args(ctx, args)


@click.group("import", cls=Imports)
def import_() -> None:
    """Import an archive of chatroom, or accounts and more from other programs.

    Without a subcommand, "import FILE" reads an archive that "chatroomctl export" has written. Lists of bans are read
    by "ban import", and exported messages by "history import".

    \b
    Examples:
      chatroomctl import chat.zip
      chatroomctl import ergo --dry-run ircd.db
    """


for command in (moving_commands.ergo, moving_commands.ngircd, moving_commands.accounts):
    import_.add_command(command)


@import_.command(_ARCHIVE)
@click.argument("file", type=click.Path(exists=True, allow_dash=True, dir_okay=False))
@moving_commands.dry_run_option
@click.option(
    "--replace",
    is_flag=True,
    help="Put the archive in the place of what the database has; the old files are kept. Example: --replace",
)
@result_option("database", "made_at", "records", "kept", "dry_run")
@pass_changing_invocation
def archive(invocation: Invocation, file: str, dry_run: bool, replace: bool, yes: bool) -> None:
    """Fill an empty database with an archive, all of it or nothing.

    FILE is what "chatroomctl export" has written, or "-" for standard input. Stop the daemon first. Each line is
    checked, and only a database that is whole is put in its place. If anything is wrong, nothing is changed.

    \b
    Examples:
      chatroomctl import chat.zip
      chatroomctl import archive --dry-run chat.zip
    """
    from chatroom.ctl.archive_file import ArchiveReader  # here, because other imports need no ZIP files

    with open_seekable(file) as stream:
        with named_file(file):
            read = ArchiveReader(stream)
        _require_place(invocation.address, replace, dry_run, yes)
        with named_file(file), refused_while_served(invocation.address), raise_at_signals():
            kept = _import(invocation, file, read, dry_run)
    lines = [f"  {section:<15}{count:>10}" for section, count in read.counts.items()]
    did = f"{file} can be imported into" if dry_run else f"Imported {file} into"
    if kept:
        lines.append(f"What was there is kept as {', '.join(map(str, kept))}")
    report_result(
        f"{did} {invocation.address}; it was made {read.made_at}, with",
        *lines,
        database=invocation.address,
        made_at=read.made_at,
        records=read.counts,
        kept=kept,
        dry_run=dry_run,
    )


def _import(invocation: Invocation, file: str, read: ArchiveReader, dry_run: bool) -> list[Path]:
    """Build the database, and put it in its place unless ``dry_run``. Return the files that were there."""
    from chatroom.ctl import archive_steps
    from chatroom.storage.filling import filled_database
    from chatroom.storage.opening import open_upkeep

    now = datetime.now(UTC)
    if archive_steps.is_ahead(read.highest, now):
        warn("the newest message is of the future: the clock of this machine, or of the other one, is wrong")
    with filled_database(invocation.address) as built:
        with progress(sum(read.counts.values()), "Checking" if dry_run else "Importing") as bar:
            archive_steps.fill_database(read, built.stores.archive, bar.update)
        if dry_run:
            return []
        length = 1000 if read.counts["messages"] else 0
        with progress(length, "Indexing") as bar, contextlib.closing(open_upkeep(built.stores.address)) as upkeep:
            archive_steps.index_all(upkeep, upkeep.last_indexed, read.highest.message, bar.update)
        counted = ", ".join(f"{count} {section}" for section, count in read.counts.items())
        built.stores.audit.add(invocation.actor, "archive.import", plain(file), counted)
        return built.put_in_place(now)


def _require_place(database: DatabaseAddress, replace: bool, dry_run: bool, yes: bool) -> None:
    """Raise ``Refused`` if the database has something in it, unless it is to be replaced."""
    from chatroom.storage.sqlite.sqlite_stores import open_stores

    if not isinstance(database, Path):
        if replace:
            raise Refused(f"{database}: --replace works with files only; createdb makes a new database")
        return  # whoever fills it looks
    if replace:
        if database.exists() and not dry_run:
            confirm(f"Replace {database}? The files that are there now are kept.", yes)
        return
    try:
        with open_stores(database) as stores:
            is_empty = stores.archive.is_empty()
    except DatabaseMissing:
        return
    if not is_empty:
        raise Refused(
            f"{database} is not empty; --database chooses another one, and --replace puts the archive in its place and"
            " keeps the old files"
        )
