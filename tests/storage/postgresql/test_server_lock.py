"""A database on a server has one daemon, whichever machines they run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest.mock import patch

import psycopg
import pytest
from harness.daemon import until
from harness.postgresql_server import PostgresqlServer

from chatroom.database_address import ServerAddress
from chatroom.errors import AlreadyServing, StorageError
from chatroom.storage.postgresql import server_lock
from chatroom.storage.postgresql.connecting import connect
from chatroom.storage.postgresql.server_lock import ServerLock

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture(autouse=True)
def each_look_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However soon after the one before."""
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


def refuse(lock: ServerLock) -> None:
    """Try once to get a lock that another one has."""
    with (
        patch.object(server_lock, "_PATIENCE_S", 0.0),
        pytest.raises(AlreadyServing, match="another daemon serves this database, from this machine or a socket"),
    ):
        lock.acquire()


def get(lock: ServerLock) -> None:
    """Look until it has the lock: the server ends connections when it comes to that."""
    until(lambda: (lock.look(), lock._connection)[1], "it has the lock")


def test_the_second_daemon_is_refused(first: ServerLock, second: ServerLock) -> None:
    """It is told where the first one is, until that has released it."""
    refuse(second)
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


def test_a_session_that_others_have_too_is_refused(
    address: ServerAddress, second: ServerLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler that lends sessions for a transaction would let a second daemon start. The lock is given back."""
    with connect(address) as shared:

        class Lent:
            """A client's end of the pooler."""

            execute = shared.execute
            closed = False

            def close(self) -> None:
                if not self.closed:
                    shared.execute(b"SELECT pg_advisory_unlock_all()")
                self.closed = True

        with monkeypatch.context() as patch:
            patch.setattr(server_lock, "connect", lambda *_, **__: Lent())
            with pytest.raises(StorageError, match="a pooler lends one session to several clients"):
                ServerLock(address).acquire()
        second.acquire()


def test_a_lost_lock_is_taken_again(first: ServerLock, second: ServerLock, postgresql_server: PostgresqlServer) -> None:
    """After a restart of the server. If another daemon was quicker, the log says so, once each time."""
    assert first.look() == ""
    postgresql_server.end_connections()
    get(first)
    refuse(second)
    postgresql_server.end_connections()
    second.acquire()
    assert "another daemon serves this database too, from this machine or a socket" in first.look()
    assert first.look() == ""
    second.release()
    get(first)
    refuse(second)


def test_who_takes_over_stands_in_line(first: ServerLock, second: ServerLock, address: ServerAddress) -> None:
    """The new daemon has the lock when the old one lets go, and nobody else gets it in between."""
    second.stand_in_line()
    until(lambda: is_waited_for(address), "it stands in line")
    assert second.look() == ""
    third = ServerLock(address)
    first.release()
    with patch.object(server_lock, "_PATIENCE_S", 0.0), pytest.raises(AlreadyServing):
        third.acquire()
    get(second)
    refuse(third)
    second.release()
    get(third)
    third.release()


def is_waited_for(address: ServerAddress) -> bool:
    """True if a connection waits for the lock."""
    with psycopg.connect(address.url) as connection:
        waiting = connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()
    return waiting is not None


def test_a_place_in_the_line_that_is_lost(
    first: ServerLock, second: ServerLock, postgresql_server: PostgresqlServer
) -> None:
    """With its connection. The looks that follow take the lock, if it can be had."""
    second.stand_in_line()
    postgresql_server.end_connections()
    get(second)
    assert "another daemon" in first.look()


def test_a_new_daemon_that_fails_leaves_the_line(first: ServerLock, second: ServerLock, address: ServerAddress) -> None:
    """The old one goes on with its lock, and later ones get it as ever."""
    second.stand_in_line()
    until(lambda: is_waited_for(address), "it stands in line")
    second.release()
    until(lambda: not is_waited_for(address), "it stands there no more")
    assert first.look() == ""
    first.release()
    second.acquire()


@pytest.fixture
def open_lock(address: ServerAddress) -> Iterator[Callable[[str], ServerLock]]:
    """A function that makes the lock of a node of a cluster, or of a lone daemon."""
    made = list[ServerLock]()

    def make(cluster: str) -> ServerLock:
        made.append(ServerLock(address, cluster))
        return made[-1]

    yield make
    for lock in made:
        lock.release()


def refuse_with(lock: ServerLock, words: str) -> None:
    """Try once to get a lock that another one has, and be told who."""
    with patch.object(server_lock, "_PATIENCE_S", 0.0), pytest.raises(AlreadyServing) as refusal:
        lock.acquire()
    assert str(refusal.value).endswith(words)


def test_nodes_of_a_cluster_share_the_lock(open_lock: Callable[[str], ServerLock]) -> None:
    """A lone daemon gets it when all of them have let go."""
    one, other, lone = open_lock("tea"), open_lock("tea"), open_lock("")
    one.acquire()
    other.acquire()
    assert one.look() == other.look() == ""
    assert one.is_shared() and other.is_shared()
    assert lone.is_taken()
    words = "a node of a cluster serves this database, from this machine or a socket"
    refuse_with(lone, words)
    one.give_back()
    assert not other.is_shared()
    refuse_with(lone, words)
    other.release()
    get(lone)


def test_a_node_is_refused_by_a_lone_daemon(first: ServerLock, open_lock: Callable[[str], ServerLock]) -> None:
    """It would change what that one has in memory."""
    node = open_lock("tea")
    refuse_with(
        node,
        "another daemon serves this database, from this machine or a socket, and belongs to no cluster",
    )
    first.release()
    get(node)


def test_nodes_of_two_clusters_do_not_share_it(open_lock: Callable[[str], ServerLock]) -> None:
    """They would not hear of each other. Who was refused keeps nobody out."""
    one, other = open_lock("tea"), open_lock("coffee")
    one.acquire()
    refuse_with(
        other,
        "a node of another cluster serves this database, from this machine or a socket"
        " (cluster.name is the same for all)",
    )
    open_lock("tea").acquire()
    one.release()


def test_a_node_takes_its_lost_lock_again(
    open_lock: Callable[[str], ServerLock], postgresql_server: PostgresqlServer
) -> None:
    """After a restart of the server. If a lone daemon was quicker, the log says so."""
    one, other, lone = open_lock("tea"), open_lock("tea"), open_lock("")
    one.acquire()
    other.acquire()
    postgresql_server.end_connections()
    get(one)
    get(other)
    refuse_with(lone, "a node of a cluster serves this database, from this machine or a socket")
    postgresql_server.end_connections()
    lone.acquire()
    assert one.look() == (
        "another daemon serves this database too, from this machine or a socket, and belongs to no cluster:"
        " stop one of them"
    )
    assert one.look() == ""
    lone.release()
    get(one)
