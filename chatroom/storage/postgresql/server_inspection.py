"""The state of a database on a server, also if it is too old or too new for the stores."""

from __future__ import annotations

from datetime import datetime

from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseMissing
from chatroom.storage.postgresql.server_database import BUSY_TIMEOUT_S, PostgresqlDatabase
from chatroom.storage.postgresql.server_migrate import newest_version, read_version
from chatroom.storage.sql.inspection import (
    Check,
    DatabaseStatus,
    Inspection,
    count_rows,
    newest_message_at,
    read_migrations,
)
from chatroom.storage.sql.timestamps import utc_now

_MOST_FAULTS = 100
"""How many rows of one reference are told."""


def open_any(address: ServerAddress) -> ServerInspection:
    """Open a database of any schema version. Raises ``StorageError`` as ``open_stores`` does."""
    database = PostgresqlDatabase(address, "cli", utc_now, BUSY_TIMEOUT_S)
    try:
        if read_version(database) == 0:
            raise DatabaseMissing(
                f"{address}: the database is empty; chatroomctl serve, user create or db migrate fills it"
            )
    except BaseException:
        database.close()
        raise
    return ServerInspection(database)


class ServerInspection(Inspection):
    """The state of a database on a server."""

    def __init__(self, database: PostgresqlDatabase) -> None:
        super().__init__(database)
        self._server = database

    def read_status(self, *, served: bool) -> DatabaseStatus:
        """Read everything about the database that does not take long."""
        database = self._server
        version, newest = read_version(database), newest_version()
        with database.snapshot():
            row = database.row("SELECT current_setting('server_version')")
            assert row is not None
            return DatabaseStatus(
                path=database.address,
                state="current" if version == newest else "outdated" if version < newest else "newer",
                version=version,
                newest_version=newest,
                served=served,
                size=database.sizes().used,
                free=0,
                log_size=0,
                sqlite_version=None,
                postgresql_version=row[0],
                migrations=read_migrations(database),
                rows=count_rows(database) if version == newest else {},
            )

    def list_checks(self) -> list[Check]:
        """The steps of a full check: all values of each table, its indexes if the server can, and the references."""
        database = self._server
        tables = [name for (name,) in database.rows(_TABLES)]
        with_amcheck = database.row(_MAY_CHECK_INDEXES) == (True,)
        return [
            *(Check(f"table {name}", _READ_ALL.format(_quoted(name))) for name in tables),
            *(
                Check(f"index {name}", _CHECK_INDEX.format(_literal(_quoted(name))))
                for (name,) in (database.rows(_INDEXES) if with_amcheck else [])
            ),
            *(
                Check(
                    f"references of {table}",
                    _CHECK_REFERENCES.format(
                        table=_quoted(table),
                        column=_quoted(column),
                        other=_quoted(other),
                        other_column=_quoted(other_column),
                        fault=_literal(f"{column} of a row refers to no row of {other}"),
                    ),
                )
                for table, column, other, other_column in database.rows(_REFERENCES)
            ),
        ]

    def newest_entry_at(self) -> datetime | None:
        """When the newest entry of the history was said; None without one."""
        return newest_message_at(self._server)  # a server never had a schema without a history


# An extension, which a superuser has to install and to grant.
_MAY_CHECK_INDEXES = "SELECT has_function_privilege(to_regprocedure('bt_index_check(regclass)'), 'EXECUTE')"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
# As a text, so that the server reads and unpacks each value, also those that it keeps outside of the table.
_READ_ALL = "SELECT 'ok' FROM (SELECT sum(length(t::text)) FROM {} AS t) AS whole"
_INDEXES = """
    SELECT i.relname FROM pg_class AS i JOIN pg_am AS a ON a.oid = i.relam
    WHERE i.relkind = 'i' AND a.amname = 'btree' AND i.relnamespace = current_schema()::regnamespace ORDER BY i.relname
"""
_CHECK_INDEX = "SELECT 'ok' FROM (SELECT bt_index_check({}::regclass)) AS checked"
_REFERENCES = """
    SELECT t.relname, a.attname, o.relname, b.attname FROM pg_constraint AS c
    JOIN pg_class AS t ON t.oid = c.conrelid JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
    JOIN pg_class AS o ON o.oid = c.confrelid JOIN pg_attribute AS b ON b.attrelid = o.oid AND b.attnum = c.confkey[1]
    WHERE c.contype = 'f' AND array_length(c.conkey, 1) = 1 AND c.connamespace = current_schema()::regnamespace
    ORDER BY t.relname, a.attname
"""
_CHECK_REFERENCES = f"""
    SELECT {{fault}} FROM {{table}} AS t
    WHERE t.{{column}} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {{other}} AS o WHERE o.{{other_column}} = t.{{column}})
    LIMIT {_MOST_FAULTS}
"""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
