"""The contract of the stores: each test here runs on every engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from harness.new_database import make_database

from chatroom.chat.stored.history_stores import Journal
from chatroom.storage.opening import open_journal
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sqlite import sqlite_stores

if TYPE_CHECKING:
    from pathlib import Path

    from harness.postgresql_server import PostgresqlServer

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.debian("postgres")))


@pytest.fixture(params=ENGINES)
def opener(request: pytest.FixtureRequest, path: Path) -> Iterator[Callable[..., SqlStores]]:
    """A function that opens stores on the test's own database, with the arguments of ``open_stores``."""
    if request.param == "sqlite":
        make_database(path)
        yield lambda **arguments: sqlite_stores.open_stores(path, **arguments)
        return
    from chatroom.storage.postgresql import postgresql_stores

    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    with server.reused_database() as address:
        yield lambda **arguments: postgresql_stores.open_stores(address, **arguments)


@pytest.fixture
def place(stores: SqlStores) -> str:
    """Where the database of ``stores`` is, as another process opens it."""
    return str(stores.address)


@pytest.fixture
def misfit(request: pytest.FixtureRequest, opener: object) -> type[Exception]:
    """What the engine raises for a row that breaks a rule of its table."""
    if request.node.callspec.params["opener"] == "sqlite":
        return sqlite3.IntegrityError
    import psycopg

    return psycopg.IntegrityError


@pytest.fixture
def stores(opener: Callable[..., SqlStores], clock: Any) -> Iterator[SqlStores]:
    """A new database."""
    with opener(clock=clock) as stores:
        yield stores


@pytest.fixture
def journal(stores: SqlStores) -> Iterator[Journal]:
    """The journal of the database of ``stores``."""
    with closing(open_journal(stores.address)) as journal:
        yield journal


@pytest.fixture
def open_another(opener: Callable[..., SqlStores], clock: Any) -> Iterator[Callable[[str], SqlStores]]:
    """A function that opens one more connection, for the writer it is given."""
    opened = []

    def open_one(origin: str) -> SqlStores:
        stores = opener(writer=origin, clock=clock)
        opened.append(stores)
        return stores

    yield open_one
    for stores in opened:
        stores.close()
