"""A database of a real server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.postgresql_server import PostgresqlServer

from chatroom.database_address import ServerAddress


@pytest.fixture
def address(postgresql_server: PostgresqlServer) -> Iterator[ServerAddress]:
    """A database with our tables."""
    with postgresql_server.database() as address:
        yield address


@pytest.fixture
def empty(postgresql_server: PostgresqlServer) -> Iterator[ServerAddress]:
    """A database without tables."""
    with postgresql_server.database(empty=True) as address:
        yield address
