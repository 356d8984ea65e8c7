from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

import psycopg
import pytest

from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseDamaged, DatabaseMissing, DatabaseNewer, DatabaseOutdated, StorageError
from chatroom.storage.migration_files import Migration, read_migrations
from chatroom.storage.postgresql import server_migrate
from chatroom.storage.postgresql.postgresql_stores import open_stores

pytestmark = pytest.mark.debian("postgres")

Columns = dict[str, tuple[str, bool, int]]
"""The type of each column, if it may be NULL, and its place in the primary key or 0."""


def test_both_engines_have_the_same_migrations() -> None:
    """By number and name."""
    names = [[(one.number, one.name) for one in read_migrations(engine)] for engine in ("sqlite", "postgresql")]
    assert names[0] == names[1]


def test_both_engines_have_the_same_tables(address: ServerAddress) -> None:
    """With the same columns, types, keys, references and rules of uniqueness."""
    ours, theirs = sqlite3.connect(":memory:"), psycopg.connect(address.url)
    try:
        for migration in read_migrations("sqlite"):
            ours.executescript(migration.sql)
        found, expected = _postgresql_columns(theirs), _sqlite_columns(ours)
        # What SQLite does by itself.
        assert set(found.pop("given_ids")) == {"name", "highest"}
        # The full-text index is of each engine's own kind.
        assert set(found.pop("message_words")) == {"message_id", "words"}
        assert found == expected
        assert _postgresql_references(theirs) == _sqlite_references(ours, expected)
        assert _postgresql_unique(theirs) == _sqlite_unique(ours, expected)
    finally:
        ours.close()
        theirs.close()


def test_text_is_compared_by_code_points(address: ServerAddress) -> None:
    """Each column of text has the collation "C", whatever that of the database is."""
    with psycopg.connect(address.url) as connection:
        others = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        ).fetchall()
    assert others == []


def _sqlite_columns(connection: sqlite3.Connection) -> dict[str, Columns]:
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE 'message_words%'"
    ).fetchall()
    types = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
    return {
        table: {
            name: (types[kind], not required and not key, key)
            for _, name, kind, required, _, key in connection.execute(f"PRAGMA table_info({table})")
        }
        for (table,) in tables
    }


def _postgresql_columns(connection: psycopg.Connection) -> dict[str, Columns]:
    keys = {
        (table, column): place
        for table, column, place in connection.execute(
            "SELECT k.table_name, k.column_name, k.ordinal_position FROM information_schema.key_column_usage AS k"
            " JOIN information_schema.table_constraints AS c USING (constraint_name, table_name)"
            " WHERE c.constraint_type = 'PRIMARY KEY'"
        )
    }
    found: dict[str, Columns] = {}
    for table, column, kind, may_be_null in connection.execute(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
    ):
        found.setdefault(table, {})[column] = (kind, may_be_null == "YES", keys.get((table, column), 0))
    return found


def _sqlite_references(connection: sqlite3.Connection, tables: Sequence[str] | dict[str, Columns]) -> set[object]:
    return {
        (table, row[3], row[2], row[4], row[6])
        for table in tables
        for row in connection.execute(f"PRAGMA foreign_key_list({table})")
    }


def _postgresql_references(connection: psycopg.Connection) -> set[object]:
    return set(
        connection.execute(
            "SELECT k.table_name, k.column_name, u.table_name, u.column_name, r.delete_rule"
            " FROM information_schema.referential_constraints AS r"
            " JOIN information_schema.key_column_usage AS k USING (constraint_name)"
            " JOIN information_schema.constraint_column_usage AS u USING (constraint_name)"
        )
    )


def _sqlite_unique(connection: sqlite3.Connection, tables: dict[str, Columns]) -> set[object]:
    found: set[object] = set()
    for table in tables:
        for _, index, is_unique, origin, is_partial in connection.execute(f"PRAGMA index_list({table})"):
            if is_unique and origin != "pk":
                columns = tuple(row[2] for row in connection.execute(f"PRAGMA index_info({index})"))
                found.add((table, columns, bool(is_partial)))
    return found


def _postgresql_unique(connection: psycopg.Connection) -> set[object]:
    rows = connection.execute(
        "SELECT t.relname, array(SELECT replace(replace(pg_get_indexdef(i.indexrelid, n, true), 'lower(', ''), ')', '')"
        " FROM generate_series(1, i.indnatts) AS n), i.indpred IS NOT NULL FROM pg_index AS i"
        " JOIN pg_class AS t ON t.oid = i.indrelid WHERE i.indisunique AND NOT i.indisprimary"
        " AND t.relnamespace = 'public'::regnamespace"
    )
    return {(table, tuple(columns), is_partial) for table, columns, is_partial in rows}


def test_only_who_may_makes_the_tables(empty: ServerAddress) -> None:
    """Then all of them are there, with the list of migrations."""
    with pytest.raises(DatabaseMissing, match="the database is empty"):
        open_stores(empty)
    with open_stores(empty, create=True) as stores:
        rows = stores.database.rows("SELECT number, name FROM migrations ORDER BY number")
    assert rows == [(one.number, one.name) for one in server_migrate.load_migrations()]
    open_stores(empty).close()


def test_who_may_see_nothing_is_told_so(empty: ServerAddress) -> None:
    """Nobody knows what is there, so nobody is told that it is empty. Nor can tables be made in no schema."""
    hidden = ServerAddress(f"{empty.url}&options=-csearch_path%3Dnowhere")
    for create in (False, True):
        with pytest.raises(StorageError, match="no schema that this user may use"):
            open_stores(hidden, create=create)


def test_two_processes_make_the_tables_once(empty: ServerAddress) -> None:
    """The one that comes second finds them."""
    start, failed = threading.Barrier(4), list[BaseException]()

    def make() -> None:
        start.wait()
        try:
            open_stores(empty, create=True).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with open_stores(empty) as stores:
        assert stores.database.number("SELECT count(*) FROM migrations") == server_migrate.newest_version()


def test_an_older_database_is_upgraded_on_demand(address: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migration by migration: one that fails leaves the database at the version before it."""
    known, number = server_migrate.load_migrations(), server_migrate.newest_version()
    extra = Migration(number + 1, "extra", "CREATE TABLE extra (a BIGINT);\nINSERT INTO extra VALUES (1);")
    broken = Migration(number + 2, "broken", "CREATE TABLE half (a BIGINT); CREATE TABLE half (a BIGINT);")
    monkeypatch.setattr(server_migrate, "load_migrations", lambda: (*known, extra, broken))
    with pytest.raises(DatabaseOutdated, match="run chatroomctl db migrate"):
        open_stores(address)
    with pytest.raises(psycopg.Error):
        open_stores(address, migrate=True)
    monkeypatch.setattr(server_migrate, "load_migrations", lambda: (*known, extra))
    with open_stores(address) as stores:
        assert stores.database.number("SELECT a FROM extra") == 1
        assert stores.database.row("SELECT to_regclass('half')") == (None,)
    monkeypatch.setattr(server_migrate, "load_migrations", lambda: known)
    with pytest.raises(DatabaseNewer, match="written by a newer chatroom"):
        open_stores(address)


@pytest.mark.parametrize("table", ["things", "migrations"])
def test_another_program_s_database_is_refused(empty: ServerAddress, table: str) -> None:
    """Also one that has a table called migrations."""
    with psycopg.connect(empty.url) as connection:
        connection.execute(f"CREATE TABLE {table} (number BIGINT)".encode())
    with pytest.raises(DatabaseDamaged, match="not with chatroom's"):
        open_stores(empty, create=True, migrate=True)
