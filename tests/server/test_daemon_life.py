"""What keeps a daemon from starting before it opens anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.postgresql_server import PostgresqlServer

from chatroom.database_address import ServerAddress
from chatroom.errors import ServeError
from chatroom.server import daemon_life
from chatroom.storage.opening import make_server_lock, newest_version
from chatroom.storage.postgresql.server_lock import ServerLock

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def address(postgresql_server: PostgresqlServer) -> Iterator[ServerAddress]:
    """A database with our tables."""
    with postgresql_server.database() as address:
        yield address


@pytest.fixture
def nodes(address: ServerAddress) -> Iterator[tuple[ServerLock, ServerLock]]:
    """The locks of two nodes that run."""
    one, other = make_server_lock(address, "tea"), make_server_lock(address, "tea")
    one.acquire()
    other.acquire()
    yield one, other
    one.release()
    other.release()


def test_a_node_does_not_change_the_tables_under_the_others(
    address: ServerAddress, nodes: tuple[ServerLock, ServerLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of neighbouring versions with the same tables, nodes run side by side. The first one alone upgrades."""
    one, other = nodes
    daemon_life._require_same_version(address, one)
    monkeypatch.setattr(daemon_life, "newest_version", lambda: newest_version() + 1)
    with pytest.raises(ServeError, match="nodes of an older version run"):
        daemon_life._require_same_version(address, one)
    other.give_back()
    daemon_life._require_same_version(address, one)


def test_nodes_that_start_together_make_the_tables(
    postgresql_server: PostgresqlServer, nodes: tuple[ServerLock, ServerLock]
) -> None:
    """An empty database has no version that others could need."""
    with postgresql_server.database(empty=True) as empty:
        daemon_life._require_same_version(empty, nodes[0])
