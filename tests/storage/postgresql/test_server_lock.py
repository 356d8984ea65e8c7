"""A database on a server has one daemon, whichever machines they run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.postgresql_server import PostgresqlServer

from chatroom.database_address import ServerAddress
from chatroom.errors import AlreadyServing
from chatroom.storage.postgresql import server_lock
from chatroom.storage.postgresql.server_lock import ServerLock

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock that another one has, and each look looks."""
    monkeypatch.setattr(server_lock, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(server_lock, "_LOOK_EVERY_S", 0.0)


@pytest.fixture
def first(address: ServerAddress) -> Iterator[ServerLock]:
    """The lock of a daemon that serves the database."""
    lock = ServerLock(address)
    lock.acquire()
    yield lock
    lock.release()


@pytest.fixture
def second(address: ServerAddress) -> Iterator[ServerLock]:
    """The lock of another daemon, which has not got it."""
    lock = ServerLock(address)
    yield lock
    lock.release()


def test_the_second_daemon_is_refused(first: ServerLock, second: ServerLock) -> None:
    """It is told where the first one is, until that has released it."""
    with pytest.raises(AlreadyServing, match="another daemon serves this database, from this machine or a socket"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()


def test_other_databases_of_the_server_have_locks_of_their_own(
    first: ServerLock, postgresql_server: PostgresqlServer
) -> None:
    """Each chat has one."""
    other = postgresql_server.make_database(empty=True)
    lock = ServerLock(other)
    lock.acquire()
    lock.release()
    postgresql_server.drop_database(other)


def test_a_lost_lock_is_taken_again(first: ServerLock, second: ServerLock, postgresql_server: PostgresqlServer) -> None:
    """After a restart of the server. If another daemon was quicker, the log says so, once each time."""
    assert first.look() == ""
    postgresql_server.end_connections()
    assert first.look() == ""
    with pytest.raises(AlreadyServing):
        second.acquire()
    postgresql_server.end_connections()
    second.acquire()
    assert "another daemon serves this database too, from this machine or a socket" in first.look()
    assert first.look() == ""
    second.release()
    assert first.look() == ""
    with pytest.raises(AlreadyServing):
        second.acquire()


def test_who_takes_over_gets_it_later(first: ServerLock, second: ServerLock) -> None:
    """The daemon that takes the place of another one looks until that has let go of it."""
    assert "another daemon" in second.look()
    first.release()
    assert second.look() == ""
    assert "another daemon" in first.look()
