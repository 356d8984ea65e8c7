"""``chatroomctl db copy``: a chat moves from a file to a server, or back."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatroom.ctl.imports import raise_at_signals
from chatroom.ctl.invocation import DatabaseType, Invocation, pass_invocation
from chatroom.ctl.offline import exclusive, refused_while_served
from chatroom.ctl.output import progress, report_result, result_option
from chatroom.database_address import DatabaseAddress, ServerAddress
from chatroom.errors import AlreadyExists, DatabaseMissing, InvalidValue, Refused

if TYPE_CHECKING:
    from chatroom.storage.sql.sql_stores import SqlStores

_PLACE = DatabaseType(path_type=Path, dir_okay=False)


@click.command("copy")
@click.argument("source", metavar="FROM", type=_PLACE)
@click.argument("target", metavar="TO", type=_PLACE)
@result_option("source", "target", "rows", "kept")
@pass_invocation
def copy(invocation: Invocation, source: DatabaseAddress, target: DatabaseAddress) -> None:
    """Copy the whole chat from the database FROM to the empty database TO.

    Each is a file, or a database on a PostgreSQL server (postgresql://USER@HOST/DATABASE), which has to exist. Stop the
    daemon first. In the end both are compared row by row. FROM stays as it is. If the copy is interrupted, the same
    command goes on where it ended; until it is complete, nothing else opens TO. Passwords come from PGPASSWORD or
    PGPASSFILE, or from database.password_file for the database of the settings.

    \b
    Examples:
      chatroomctl db copy /var/lib/chatroom/chat.db postgresql://chat@db.example.org/chat
      chatroomctl db copy postgresql://chat@db.example.org/chat chat.db
    """
    from chatroom.storage.opening import open_stores

    source, target = _completed(invocation, source), _completed(invocation, target)
    _require_two(source, target)
    with exclusive(source), raise_at_signals(), open_stores(source) as given:
        rows, kept = _fill(invocation, given, target)
    lines = [f"Copied {rows} rows of {source} to {target}, and found no difference"]
    if kept:
        lines.append(f"What was there is kept as {', '.join(map(str, kept))}")
    lines.append(f"To have a daemon serve it: chatroomctl config set {_setting(target)} {shlex.quote(str(target))}")
    report_result(*lines, source=source, target=target, rows=rows, kept=kept)


def _fill(invocation: Invocation, given: SqlStores, target: DatabaseAddress) -> tuple[int, list[Path]]:
    """Copy and compare. Return the number of rows, and the files that were in the place."""
    from chatroom.storage.filling import filled_database
    from chatroom.storage.sql import table_copy

    given.changed_elsewhere()  # from here on it tells of others
    with refused_while_served(target), filled_database(target, resumes=True) as filled:
        with given.archive.moment() as highest:
            rows = table_copy.count_rows(given.database)
            with _named(target), progress(rows, "Copying") as bar:
                table_copy.copy_tables(given.database, filled.stores.database, bar.update)
            with _named(target), progress(rows, "Comparing") as bar:
                table_copy.compare_tables(given.database, filled.stores.database, bar.update)
        _index(filled.stores.address, highest.message)
        if given.changed_elsewhere():
            raise Refused(f"{given.address} has changed meanwhile; the same command copies the rest")
        filled.stores.audit.add(invocation.actor, "database.copy", str(given.address), f"{rows} rows")
        kept = filled.put_in_place(datetime.now(UTC))
    return rows, kept


def _index(target: DatabaseAddress, last: int) -> None:
    from chatroom.ctl.archive_steps import index_all
    from chatroom.storage.opening import open_upkeep

    length = 1000 if last else 0
    with contextlib.closing(open_upkeep(target)) as upkeep, progress(length, "Indexing") as bar:
        index_all(upkeep, upkeep.last_indexed, last, bar.update)


@contextlib.contextmanager
def _named(target: DatabaseAddress) -> Iterator[None]:
    try:
        yield
    except InvalidValue as error:
        raise InvalidValue(f"{target}: {error}") from None


def _completed(invocation: Invocation, address: DatabaseAddress) -> DatabaseAddress:
    """The address with the password that the settings have for the same database."""
    if isinstance(address, Path):
        return Path(os.path.abspath(address.expanduser()))
    known = invocation.settings.database.address
    if isinstance(known, ServerAddress) and known.place == address.place:
        return dataclasses.replace(address, password=known.password, password_file=known.password_file)
    return address


def _require_two(source: DatabaseAddress, target: DatabaseAddress) -> None:
    if isinstance(target, Path):
        is_one = isinstance(source, Path) and os.path.realpath(source) == os.path.realpath(target)
    else:
        is_one = isinstance(source, ServerAddress) and source.place == target.place
    if is_one:
        raise Refused(f"FROM and TO are one database: {target}")
    if isinstance(target, Path):
        _require_empty(target)


def _require_empty(target: Path) -> None:
    """Raise ``AlreadyExists`` if a file has a chat in it. A server's database is looked at when it is filled."""
    from chatroom.storage.opening import open_stores

    if target.exists():
        # An empty file, as touch makes it, has no chat in it either.
        with contextlib.suppress(DatabaseMissing), open_stores(target) as stores:
            if not stores.archive.is_empty():
                raise AlreadyExists(f"{target} is not empty: name another file, or move this one away")


def _setting(target: DatabaseAddress) -> str:
    return "database.path" if isinstance(target, Path) else "database.url"
