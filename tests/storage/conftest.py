"""A real SQLite file for each test, and a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2030, 5, 1, 12, 0, 0, 123000, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time it is set to."""
        return self.now

    def advance(self, **time: float) -> datetime:
        """Move by a ``timedelta`` of these arguments. Returns the new time."""
        self.now += timedelta(**time)
        return self.now


@pytest.fixture
def by() -> Actor:
    """The author of actions."""
    return Actor("root", "cli")


@pytest.fixture
def clock() -> SetClock:
    """The clock of ``stores`` and of the stores that ``open_another`` opens."""
    return SetClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the database."""
    return tmp_path / "chatroom.db"


@pytest.fixture
def stores(path: Path, clock: SetClock) -> Iterator[SqliteStores]:
    """A new database."""
    with open_stores(path, create=True, clock=clock) as stores:
        yield stores


@pytest.fixture
def open_another(path: Path, clock: SetClock) -> Iterator[Callable[[str], SqliteStores]]:
    """A function that opens one more connection, for the writer it is given."""
    opened = []

    def open_one(origin: str) -> SqliteStores:
        stores = open_stores(path, writer=origin, clock=clock)
        opened.append(stores)
        return stores

    yield open_one
    for stores in opened:
        stores.close()
