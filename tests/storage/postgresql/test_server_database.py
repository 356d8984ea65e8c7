"""What a connection to a server does that one to a file does not: it is lost, and found again."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from harness.postgresql_server import PostgresqlServer

from chatroom.chat.stored.records import Actor, Role
from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseBusy, DatabaseMissing, InvalidValue, StorageError
from chatroom.storage import opening
from chatroom.storage.postgresql.connecting import ImpatientConnection
from chatroom.storage.postgresql.postgresql_stores import PostgresqlStores, open_stores

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def stores(address: ServerAddress) -> Iterator[PostgresqlStores]:
    """Stores on a new database."""
    with open_stores(address) as stores:
        yield stores


def test_a_lost_connection_fails_one_call(
    stores: PostgresqlStores, postgresql_server: PostgresqlServer, by: Actor
) -> None:
    """The next one connects again, and what was committed is there."""
    stores.accounts.create("ada", Role.USER, [], by)
    postgresql_server.end_connections()
    with pytest.raises(StorageError, match=r"^postgresql://postgres@/chat\d+\?host=/.*: "):
        stores.accounts.find("ada")
    assert stores.accounts.find("ada") is not None
    stores.accounts.create("bob", Role.USER, [], by)


def test_a_server_that_only_let_read_for_a_while_is_written_to_again(
    stores: PostgresqlStores, postgresql_server: PostgresqlServer, by: Actor
) -> None:
    """By a new connection: the one from that time would only read for as long as it lasts."""
    postgresql_server.let_only_read(stores.address, True)
    postgresql_server.end_connections()
    with pytest.raises(StorageError, match="only lets read"):
        stores.accounts.create("ada", Role.USER, [], by)
    postgresql_server.let_only_read(stores.address, False)
    stores.accounts.create("bob", Role.USER, [], by)
    assert [account.name for account in stores.accounts.list_all()] == ["bob"]


def test_a_transaction_that_has_not_begun_is_not_lost(
    stores: PostgresqlStores, postgresql_server: PostgresqlServer, by: Actor
) -> None:
    """It begins on a new connection, and so does a snapshot."""
    postgresql_server.end_connections()
    stores.accounts.create("ada", Role.USER, [], by)
    postgresql_server.end_connections()
    with stores.database.snapshot():
        assert len(stores.accounts.list_all()) == 1


def test_a_transaction_is_lost_with_its_connection(
    stores: PostgresqlStores, postgresql_server: PostgresqlServer, by: Actor
) -> None:
    """No later statement of it runs on a new connection, where it would be a transaction of its own."""
    database, insert = stores.database, "INSERT INTO server_keys (name, value) VALUES (?, ?)"

    def write() -> None:
        with database.transaction():
            database.execute(insert, ("one", b"1"))
            postgresql_server.end_connections()
            with pytest.raises(StorageError):
                database.execute(insert, ("two", b"2"))
            database.execute(insert, ("three", b"3"))

    with pytest.raises(StorageError, match="the connection to the server was lost"):
        write()
    assert database.rows("SELECT name FROM server_keys") == []


def test_a_server_that_does_not_answer_fails_the_call(address: ServerAddress, by: Actor) -> None:
    """It is there, and takes connections, but one of its processes stands still. The next call gets another one."""
    with open_stores(address, patience_s=30) as stores, standing_still(stores):
        with pytest.raises(StorageError, match="the server does not answer"):
            stores.accounts.find("ada")
        with standing_still(stores):
            stores.accounts.create("ada", Role.USER, [], by)  # nothing was lost with the connection
        assert stores.accounts.find("ada") is not None


@contextmanager
def standing_still(stores: PostgresqlStores) -> Iterator[None]:
    """In the block, the server's process for this connection stands still, and the connection has little patience."""
    (pid,) = stores.database.rows("SELECT pg_backend_pid()")[0]
    connection = stores.database._connection
    assert isinstance(connection, ImpatientConnection)
    connection.patience_s = 0.05
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_server_ends_what_nobody_waits_for(address: ServerAddress) -> None:
    """With the same patience, so that a machine that is gone does not keep the write lock. Commands have no limit."""
    settings = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    with open_stores(address, patience_s=20) as stores:
        assert [stores.database.row(f"SHOW {name}") for name in settings] == [("5s",), ("20s",), ("20s",)]
    with open_stores(address) as stores:
        assert [stores.database.row(f"SHOW {name}") for name in settings] == [("5s",), ("0",), ("0",)]


def test_commits_that_may_have_been_missed_are_looked_for(
    stores: PostgresqlStores, postgresql_server: PostgresqlServer
) -> None:
    """A new connection did not hear of what was committed before it."""
    assert stores.changed_elsewhere()  # nobody has listened before
    assert not stores.changed_elsewhere()
    postgresql_server.end_connections()
    with pytest.raises(StorageError):
        stores.changed_elsewhere()
    assert stores.changed_elsewhere()
    assert not stores.changed_elsewhere()


def test_a_closed_connection_stays_closed(stores: PostgresqlStores) -> None:
    """Use of it is a bug, and not a reason to connect again."""
    stores.close()
    stores.close()
    with pytest.raises(RuntimeError, match="closed"):
        stores.accounts.list_all()


def test_one_transaction_at_a_time(stores: PostgresqlStores, address: ServerAddress) -> None:
    """Another one waits, and gives up after the time that it was given."""
    with (
        open_stores(address, busy_timeout_s=0.001) as other,
        stores.database.transaction(),
        pytest.raises(DatabaseBusy, match="locked"),
        other.database.transaction(),
    ):
        pytest.fail("it began")
    with open_stores(address, busy_timeout_s=0.001) as other, other.database.transaction():
        assert other.database.number("SELECT 1") == 1


def test_ids_are_given_in_the_order_of_commits(address: ServerAddress, by: Actor) -> None:
    """A reader that follows the log of changes by their ids misses none, whoever writes."""
    start, seen = threading.Barrier(5), list[int]()

    def write(number: int) -> None:
        with open_stores(address) as own:
            start.wait()
            for count in range(10):
                own.bans.add("name", f"n{number}-{count}", "", None, by)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with open_stores(address, writer="daemon:1") as reader:
        start.wait()
        while any(thread.is_alive() for thread in threads):
            seen += [change.id for change in reader.changes_after(seen[-1] if seen else 0)]
        for thread in threads:
            thread.join()
        seen += [change.id for change in reader.changes_after(seen[-1] if seen else 0)]
    assert seen == list(range(1, 41))


def test_a_snapshot_shows_one_moment(stores: PostgresqlStores, address: ServerAddress, by: Actor) -> None:
    """What others commit meanwhile shows after it."""
    with open_stores(address) as other, stores.database.snapshot():
        assert stores.accounts.list_all() == []
        other.accounts.create("ada", Role.USER, [], by)
        assert stores.accounts.list_all() == []
    assert len(stores.accounts.list_all()) == 1


def test_values_that_do_not_fit_are_refused(stores: PostgresqlStores, by: Actor) -> None:
    """A NUL, half a surrogate pair and more than 64 bits; the connection goes on."""
    for name in ("a\0b", "a\ud800b"):
        with pytest.raises(InvalidValue):
            stores.accounts.create(name, Role.USER, [], by)
    with pytest.raises(InvalidValue, match="too large"):
        stores.accounts.find_by_id(2**64)
    assert stores.accounts.list_all() == []


def test_truth_values_are_numbers(stores: PostgresqlStores) -> None:
    """So the SQL of the stores serves both engines."""
    assert stores.database.row("SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)", (True, False)) == (1, 0)
    assert stores.database.number("SELECT EXISTS (SELECT 1)") == 1


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (lambda url: url.replace("host=/", "host=/nowhere/"), StorageError, "No such file or directory"),
        (lambda url: url.replace("@/chat", "@/none"), DatabaseMissing, "createdb makes one"),
        (lambda url: url.replace("postgres@", "nobody@"), StorageError, "nobody"),
        (lambda url: f"{url}&port=no", StorageError, "port"),
        (lambda url: f"{url}&nonsense=1", StorageError, "not a URL that PostgreSQL understands"),
    ],
)
def test_a_server_that_cannot_be_used(
    address: ServerAddress, change: Callable[[str], str], kind: type[Exception], words: str
) -> None:
    """One line says which, and why. The password is in none."""
    with pytest.raises(kind, match=words) as caught:
        open_stores(ServerAddress(change(address.url), "hush"))
    assert "\n" not in str(caught.value)
    for error in (caught.value, caught.value.__cause__):
        assert "hush" not in repr(error)


def test_the_password_is_read_from_its_file(address: ServerAddress, tmp_path: Path) -> None:
    """For each connection; a file that cannot be read is named."""
    file = tmp_path / "password"
    with pytest.raises(StorageError, match=r"password: cannot read the password of the database: No such file"):
        open_stores(ServerAddress(address.url, None, file))
    file.write_text("hush\n")
    with open_stores(ServerAddress(address.url, None, file)) as stores:
        assert stores.database.number("SELECT 1") == 1


def test_another_encoding_is_refused(postgresql_server: PostgresqlServer) -> None:
    """Text would not come back as it was."""
    with psycopg.connect(postgresql_server.address("postgres").url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    with pytest.raises(StorageError, match="encoding LATIN1: make one with createdb -E UTF8"):
        open_stores(postgresql_server.address("latin"))


def test_an_installation_without_psycopg_says_so(address: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install 'chatroom\[postgresql\]'$"):
        opening.open_stores(address)
