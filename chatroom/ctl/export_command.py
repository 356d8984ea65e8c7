"""``chatroomctl export``: everything in the database as one archive."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from chatroom.ctl import archive_steps
from chatroom.ctl.imports import raise_at_signals
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import progress, report_result, result_option, size
from chatroom.ctl.own_files import require_other_file
from chatroom.errors import AlreadyExists, Refused
from chatroom.new_file import is_stream, new_binary_file
from chatroom.storage.opening import open_stores


@click.command("export")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it exists. Example: --force")
@result_option("database", "file", "size", "records")
@pass_invocation
def export(invocation: Invocation, file: str, force: bool) -> None:
    """Write everything in the database to FILE, as one archive.

    That is accounts with their password hashes, certificates and data, bans, filters, channels, the history, the audit
    and the server's keys. The daemon may run. "import" reads the archive, also on another machine and with a newer
    chatroom. Only you can read FILE. Settings and the certificates of the server are not in it: they are files already.

    FILE is a ZIP file with JSON Lines. With "-" it goes to standard output.

    \b
    Examples:
      chatroomctl export chat.zip
      chatroomctl export - | ssh new.example.org "cat > chat.zip"
    """
    _require_writable(invocation, file, force)
    with (
        raise_at_signals(),
        open_stores(invocation.address) as stores,
        _open(file) as out,
        progress(archive_steps.count_all(stores.archive), "Exporting", output=file) as bar,
    ):
        records = archive_steps.write_archive(stores.archive, out, bar.update)
    if file == "-":
        return
    written = os.path.getsize(file) if not is_stream(Path(file)) else 0
    counted = ", ".join(f"{count} {section}" for section, count in records.items())
    report_result(
        f"Wrote {invocation.address} to {file} ({size(written)}): {counted}",
        "It has the password hashes and the keys of the server: keep it where you would keep the database",
        database=invocation.address,
        file=file,
        size=written,
        records=records,
    )


def _require_writable(invocation: Invocation, file: str, force: bool) -> None:
    if file == "-":
        if sys.stdout.isatty():
            raise Refused("an archive is no text for a terminal: give a FILE, or send standard output to a file")
        return
    path = Path(file)
    require_other_file(invocation, file)
    if os.path.lexists(path) and not force and not is_stream(path):
        raise AlreadyExists(f"{file}: exists already; --force replaces it")


@contextlib.contextmanager
def _open(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        with click.open_file("-", "wb") as out:
            yield out
            out.flush()
    else:
        with new_binary_file(Path(file)) as out:
            yield out
