"""Makes the tables of a database those of another one, of the same engine or not, and compares them row by row.

Both are read in the order of their keys, a page at a time, so an interrupted copy goes on where it differs. Not copied
is what each database makes for itself: the list of migrations, the log of changes, and the indexes of the history
(``places``, ``message_words``), which the upkeep fills from what ``history_state`` calls indexed. If a copy changes
messages that an earlier one has indexed, the indexes are emptied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from chatroom.errors import InvalidValue
from chatroom.storage.sql import history_index
from chatroom.storage.sql.contract import Database, Row

PAGE = 1000
"""Rows that are in memory at once, and that one transaction writes."""

OnProgress = Callable[[int], object]
"""Called now and then with a number of rows."""

KEYS: dict[str, tuple[str, ...]] = {
    "server_keys": ("name",),
    "accounts": ("id",),
    "credentials": ("account_id", "kind"),
    "client_certificates": ("fingerprint",),
    "former_names": ("account_id", "folded"),
    "read_markers": ("account_id", "target"),
    "account_metadata": ("account_id", "key"),
    "cleared_playback": ("account_id", "target"),
    "presence": ("account_id", "channel"),
    "always_on_users": ("account_id",),
    "reset_tokens": ("account_id",),
    "failed_logins": ("key",),
    "lockdown": ("only_row",),
    "bans": ("id",),
    "filters": ("id",),
    "invites": ("id",),
    "requests": ("id",),
    "request_credentials": ("request_id", "kind"),
    "channels": ("id",),
    "channel_lists": ("channel_id", "position"),
    "channel_access": ("channel_id", "account_id"),
    "channel_metadata": ("channel_id", "key"),
    "hooks": ("id",),
    "hook_events": ("hook_id", "number"),
    "audit": ("id",),
    "conversations": ("id",),
    "messages": ("id",),
}
"""The copied tables, each behind those that it refers to, and the columns of their keys."""
NOT_COPIED = {
    *("migrations", "changes", "places", "message_words", "history_state"),
    *("kept_turn", "rename_notes", "stored_turns"),
}
"""The other tables of both engines."""


class _Misfit(InvalidValue):
    """A row breaks a rule of its table, alone or together with those that are there."""


class _Table(NamedTuple):
    """A table, with the columns of its key first."""

    name: str
    columns: tuple[str, ...]
    width: int
    """How many columns the key has."""

    def key(self, row: Row) -> Row:
        """The key of a row."""
        return row[: self.width]


def count_rows(database: Database) -> int:
    """The number of rows that a copy of the database has."""
    return sum(database.number(f"SELECT count(*) FROM {name}") for name in KEYS)


def copy_tables(source: Database, target: Database, on_progress: OnProgress) -> None:
    """Make the tables of ``target`` those of ``source``. Only in a snapshot of ``source``.

    Rows that ``target`` has already stay as they are, so a second copy does the rest of an interrupted one. Raises
    ``InvalidValue`` if a row does not fit into ``target``.
    """
    for name in KEYS:
        table = _table(source, name)
        try:
            _copy_table(source, target, table, on_progress)
        except _Misfit:
            # A row can be in the way that an interrupted copy has brought and that is gone since, pages from here: such
            # as that of an account with a name that another one has now.
            with target.transaction():
                target.execute(f"DELETE FROM {name}")
            _copy_table(source, target, table, on_progress)
    _copy_counters(source, target)


def compare_tables(source: Database, target: Database, on_progress: OnProgress) -> None:
    """Raise ``InvalidValue`` that names the first row that differs. Only in a snapshot of ``source``."""
    for name in KEYS:
        table = _table(source, name)
        for source_rows, target_rows in _pages(source, target, table):
            if source_rows != target_rows:
                differing = set(source_rows).symmetric_difference(target_rows)
                key = min((table.key(row) for row in differing), key=repr)
                raise InvalidValue(f"the copy differs in the table {name}, in the row {_shown(table, key)}")
            on_progress(len(source_rows))


def _table(database: Database, name: str) -> _Table:
    keys = KEYS[name]
    found = [column[0] for column in database.execute(f"SELECT * FROM {name} LIMIT 0").description]
    return _Table(name, (*keys, *sorted(set(found) - set(keys))), len(keys))


def _copy_table(source: Database, target: Database, table: _Table, on_progress: OnProgress) -> None:
    for source_rows, target_rows in _pages(source, target, table):
        _make_equal(target, table, source_rows, target_rows)
        on_progress(len(source_rows))


def _pages(source: Database, target: Database, table: _Table) -> Iterator[tuple[list[Row], list[Row]]]:
    """The rows of both databases, page by page: those of the source, and those of the target in the same range."""
    keys, columns = ", ".join(table.columns[: table.width]), ", ".join(table.columns)
    marks = ", ".join("?" * table.width)
    select, order = f"SELECT {columns} FROM {table.name}", f"ORDER BY {keys}"
    behind, until = f"({keys}) > ({marks})", f"({keys}) <= ({marks})"
    last: Row = ()
    while rows := source.rows(f"{select}{f' WHERE {behind}' if last else ''} {order} LIMIT {PAGE}", last):
        end = table.key(rows[-1])
        between = f"{behind} AND {until}" if last else until
        yield rows, target.rows(f"{select} WHERE {between} {order}", (*last, *end))
        last = end
    # What the source does not have. It is deleted, or the copy differs, so the next page is behind this one.
    while extra := target.rows(f"{select}{f' WHERE {behind}' if last else ''} {order} LIMIT {PAGE}", last):
        yield [], extra
        last = table.key(extra[-1])


def _make_equal(target: Database, table: _Table, source_rows: Sequence[Row], target_rows: Sequence[Row]) -> None:
    if source_rows == target_rows:
        return
    known = set(target_rows)
    missing = [row for row in source_rows if row not in known]
    stale = known.difference(source_rows)
    columns, marks = ", ".join(table.columns), ", ".join("?" * len(table.columns))
    is_key = " AND ".join(f"{column} = ?" for column in table.columns[: table.width])
    try:
        with target.transaction():
            if table.name == "messages":
                history_index.clear(target)
            target.execute_many(f"DELETE FROM {table.name} WHERE {is_key}", [table.key(row) for row in stale])
            target.execute_many(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", missing)
    except Exception as error:
        is_misfit = target.is_misfit(error)
        if isinstance(error, InvalidValue) or is_misfit:
            first, last = (_shown(table, table.key(row)) for row in (missing[0], missing[-1]))
            kind = _Misfit if is_misfit else InvalidValue
            raise kind(f"the table {table.name} does not fit, between {first} and {last}: {error}") from None
        raise


def _copy_counters(source: Database, target: Database) -> None:
    """Have no id given out again that ``source`` has given, also if its row was deleted since."""
    highest = source.number("SELECT value FROM history_state WHERE name = 'highest'")
    with target.transaction():
        for name, last in source.given_ids().items():
            if name in KEYS:
                target.raise_ids(name, last)
        target.execute("UPDATE history_state SET value = ? WHERE name = 'highest'", (highest,))


def _shown(table: _Table, key: Row) -> str:
    return ", ".join(f"{column} {value}" for column, value in zip(table.columns, key, strict=False))
