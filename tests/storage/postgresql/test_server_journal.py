"""What a journal on a server does that one on a file does not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psycopg
import pytest
from harness.postgresql_server import PostgresqlServer
from harness.written_history import AT, keep

from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.chat.stored.hook_records import HookEventRow, NewHook
from chatroom.chat.stored.records import Actor, Role
from chatroom.database_address import ServerAddress
from chatroom.errors import StorageError
from chatroom.storage.postgresql import server_journal
from chatroom.storage.postgresql.connecting import ImpatientConnection, connect
from chatroom.storage.postgresql.postgresql_stores import PostgresqlStores, open_stores
from chatroom.storage.postgresql.server_journal import ServerJournal, open_journal

pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def journal(address: ServerAddress) -> Iterator[ServerJournal]:
    """The journal of a new database."""
    journal = open_journal(address)
    yield journal
    journal.close()


@pytest.fixture
def stores(address: ServerAddress) -> Iterator[PostgresqlStores]:
    """Stores of the same database."""
    with open_stores(address) as stores:
        yield stores


def said(number: int, channel: str = "#lobby") -> Entry:
    """A message."""
    return Entry(first_message_id(AT) + number, AT, channel, Kind.PRIVMSG, "ada!a@h", None, "", channel, str(number))


def texts(stores: PostgresqlStores) -> list[str]:
    """What was said in #lobby."""
    return [entry.text for entry in stores.history.latest("#lobby", 99)]


def test_other_writers_keep_nothing_waiting(journal: ServerJournal, stores: PostgresqlStores) -> None:
    """While a store has the write lock, messages are written and read."""
    with stores.database.transaction():
        keep(journal, said(1))
    assert texts(stores) == ["1"]


def test_a_connection_that_was_lost_meanwhile_is_made_anew(
    journal: ServerJournal, stores: PostgresqlStores, postgresql_server: PostgresqlServer
) -> None:
    """The next transaction needs no second try."""
    keep(journal, said(1))
    postgresql_server.end_connections()
    keep(journal, said(2), said(3, "#new"))
    assert texts(stores) == ["1", "2"]


def test_a_transaction_is_lost_with_its_connection(
    journal: ServerJournal, address: ServerAddress, postgresql_server: PostgresqlServer
) -> None:
    """All of it, also the conversation that it has added."""
    assert journal.begin()
    journal.write([said(1)])
    postgresql_server.end_connections()
    with pytest.raises(StorageError):
        journal.write([said(2)])
    with pytest.raises(StorageError, match="lost"):
        journal.commit()
    journal.rollback()
    keep(journal, said(3))
    with open_stores(address) as stores:
        assert texts(stores) == ["3"]


def test_a_server_that_only_let_read_for_a_while_is_written_to_again(
    journal: ServerJournal, stores: PostgresqlStores, postgresql_server: PostgresqlServer
) -> None:
    """By a new connection: the one from that time would only read for as long as it lasts."""
    postgresql_server.let_only_read(stores.address, True)
    postgresql_server.end_connections()
    with pytest.raises(StorageError, match="only lets read"):
        keep(journal, said(1))
    postgresql_server.let_only_read(stores.address, False)
    keep(journal, said(2))
    assert texts(stores) == ["2"]


def test_a_server_that_is_away_is_not_asked_by_each_tick(
    postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while after a try that has failed, the next ones fail at once. The reason stays the same."""
    address = postgresql_server.make_database()
    tries = list[ServerAddress]()
    journal = open_journal(address)

    def count(one: ServerAddress, *, patience_s: float) -> psycopg.Connection:
        tries.append(one)
        return connect(one, patience_s=patience_s)

    monkeypatch.setattr(server_journal, "connect", count)
    postgresql_server.drop_database(address)
    for _ in range(5):
        with pytest.raises(StorageError, match="does not exist"):
            journal.begin()
    assert len(tries) == 1
    journal.close()


def test_a_server_that_does_not_answer_is_given_up(journal: ServerJournal, stores: PostgresqlStores) -> None:
    """Also if its machine does: the messages of those who wait are refused."""
    assert isinstance(journal._connection, ImpatientConnection)
    journal._connection.patience_s = 0.05
    assert journal.begin()
    journal.write([said(1)])
    with pytest.raises(StorageError, match="the server does not answer"):
        journal.execute("SELECT pg_sleep(60)")
    keep(journal, said(2))
    assert texts(stores) == ["2"]


def test_a_server_that_hangs_is_asked_once(
    journal: ServerJournal, stores: PostgresqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second connection would have those wait longer whose messages are refused."""
    tries = list[ServerAddress]()

    def count(one: ServerAddress, *, patience_s: float) -> psycopg.Connection:
        tries.append(one)
        return connect(one, patience_s=patience_s)

    monkeypatch.setattr(server_journal, "connect", count)
    connection = journal._connection
    assert isinstance(connection, ImpatientConnection)
    connection.patience_s = 0.05
    pid = connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StorageError, match="the server does not answer"):
            journal.begin()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert tries == []
    keep(journal, said(1))
    assert len(tries) == 1
    assert texts(stores) == ["1"]


def test_a_closed_journal_does_not_connect(journal: ServerJournal) -> None:
    """It was closed on purpose."""
    journal.close()
    with pytest.raises(StorageError):
        journal.begin()


def test_events_of_hooks_are_heard_of(journal: ServerJournal, stores: PostgresqlStores, by: Actor) -> None:
    """The thread that delivers them looks when others commit. A message alone is no news to it."""
    hook = stores.hooks.add(NewHook("#lobby", url="https://example.org/x", events=("message",)), by).hook
    stores.changed_elsewhere()
    keep(journal, said(1))
    assert not stores.changed_elsewhere()
    assert journal.begin()
    journal.add_hook_events([HookEventRow(hook.id, first_message_id(AT) + 1, AT, "message", "ada", "", "1")])
    journal.commit()
    assert stores.changed_elsewhere()
    assert stores.hooks.list_waiting() == [hook.id]


def test_a_commit_in_doubt_is_certain_to_the_next_connection(journal: ServerJournal, stores: PostgresqlStores) -> None:
    """The server has ended the one before, so what that has not committed by now never will be."""
    assert journal.begin()
    journal.write([said(1)])
    before = journal._connection
    assert before is not None
    journal._connection = None  # as if the network had lost it: the server does not know yet
    keep(journal, said(2))
    with pytest.raises(psycopg.OperationalError):
        before.execute("COMMIT")
    assert texts(stores) == ["2"]


@pytest.mark.parametrize("full, setting", [(True, "on"), (False, "off")])
def test_a_commit_waits_for_the_disk_if_asked(address: ServerAddress, full: bool, setting: str) -> None:
    """The setting of the session says so."""
    journal = open_journal(address, full=full)
    assert journal.execute("SHOW synchronous_commit").fetchone() == (setting,)
    journal.close()


def test_it_is_found_out_if_a_transaction_was_made(journal: ServerJournal, stores: PostgresqlStores) -> None:
    """By its entries, or by the last mark; not by the highest message id, which a worker may have raised meanwhile."""
    keep(journal, said(1))
    account = stores.accounts.create("ada", Role.USER, [], Actor("test", "shell"))
    stores.presence.come(account.id, "#lobby")
    stores.presence.go(account.id, "#lobby", said(5).message_id)
    assert journal.last_message_id() == said(5).message_id
    asked = said(1).message_id, said(2).message_id
    assert [journal.is_made([asked[1]]), journal.is_made([*[0] * 300, *asked])] == [False, True]
    for number in (7, 2**62):
        assert not journal.is_made([], number)
        assert journal.begin()
        journal.mark(number)
        journal.commit()
        assert journal.is_made([], number)
    assert not journal.is_made([], 7) and not journal.is_made([])


def test_what_an_earlier_run_has_under_way_is_ended(address: ServerAddress, journal: ServerJournal) -> None:
    """Before anybody asks what it has stored: it may be about to commit, though its daemon is gone."""
    before = open_journal(address)
    assert before.begin() and journal.begin()
    journal.end_connection(before.connection_number)
    journal.end_connection(before.connection_number)
    journal.rollback()
    with pytest.raises(StorageError):
        before.commit()
    before.close()
