"""The journals of several nodes: only that of the turn commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from harness import written_history
from harness.daemon import until
from harness.postgresql_server import PostgresqlServer
from harness.written_history import AT, run

from chatroom.chat.stored.entries import Entry, Kind, Search, direct, first_message_id
from chatroom.chat.stored.kept_turns import KeptTurn
from chatroom.chat.stored.records import Actor, StoredChannel
from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseBusy, Fenced, StorageError
from chatroom.storage.postgresql import node_journal
from chatroom.storage.postgresql.connecting import ImpatientConnection
from chatroom.storage.postgresql.node_journal import STEP, ServerNodeJournal, open_node_journal
from chatroom.storage.postgresql.postgresql_stores import PostgresqlStores, open_stores
from chatroom.storage.postgresql.server_journal import open_journal
from chatroom.storage.postgresql.server_upkeep import open_upkeep
from chatroom.storage.sql.timestamps import from_ms

pytestmark = pytest.mark.debian("postgres")

FIRST = first_message_id(AT)


@pytest.fixture
def open_one(address: ServerAddress) -> Iterator[Callable[[], ServerNodeJournal]]:
    """A function that opens the journal of one more node."""
    opened = list[ServerNodeJournal]()

    def open_journal() -> ServerNodeJournal:
        opened.append(open_node_journal(address))
        return opened[-1]

    yield open_journal
    for journal in opened:
        journal.close()


@pytest.fixture
def one(open_one: Callable[[], ServerNodeJournal]) -> ServerNodeJournal:
    """The journal of a node."""
    return open_one()


@pytest.fixture
def other(open_one: Callable[[], ServerNodeJournal]) -> ServerNodeJournal:
    """The journal of another node."""
    return open_one()


@pytest.fixture
def stores(address: ServerAddress) -> Iterator[PostgresqlStores]:
    """Stores of the same database."""
    with open_stores(address) as stores:
        yield stores


def said(number: int, channel: str = "#lobby", kind: Kind = Kind.PRIVMSG) -> Entry:
    """A message, or an event."""
    return Entry(FIRST + number, AT, channel, kind, "ada!a@h", None, "", channel, str(number))


def keep(journal: ServerNodeJournal, turn: int, *entries: Entry) -> None:
    """Write entries in one transaction of a turn."""
    journal.use_turn(turn)
    written_history.keep(journal, *entries)


def texts(stores: PostgresqlStores, channel: str = "#lobby") -> list[str]:
    """What was said in a channel, with events."""
    return [entry.text for entry in stores.history.latest(channel, 99, events=True)]


def read_row(stores: PostgresqlStores) -> int:
    """How high the row is."""
    return stores.database.number("SELECT value FROM history_state WHERE name = 'cluster.turn'")


def test_nodes_commit_in_turns(one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores) -> None:
    """One after the other, and several times in one turn. Hardly any turn writes the row."""
    keep(one, 1, said(1))
    keep(one, 1, said(2))
    keep(other, 2, said(3))
    keep(one, 3, said(4))
    assert texts(stores) == ["1", "2", "3", "4"]
    assert read_row(stores) == 0


def test_an_earlier_turn_is_fenced_off(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores
) -> None:
    """Whatever the node believes, it commits nothing any more until it has a later turn."""
    keep(one, 5, said(1))
    other.claim(6)
    with pytest.raises(Fenced, match="turn 5 is over"):
        keep(one, 5, said(2))
    keep(other, 6, said(3))
    with pytest.raises(Fenced):
        one.claim(5)
    keep(one, 7, said(4))
    assert texts(stores) == ["1", "3", "4"]


def test_a_claim_waits_for_a_commit_under_way(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores
) -> None:
    """And then finds what it has committed, to be told."""
    one.use_turn(1)
    assert one.begin()
    one.write([said(1), said(2)])
    claimed = threading.Event()

    def claim() -> None:
        other.claim(2)
        claimed.set()

    thread = threading.Thread(target=claim)
    thread.start()
    until(lambda: is_waiting(stores), "the claim waits")
    assert not claimed.is_set()
    one.commit()
    thread.join()
    assert [entry.text for entry in other.untold(FIRST)] == ["1", "2"]
    assert [entry.text for entry in other.untold(FIRST + 1)] == ["2"]
    assert [entry.text for entry in other.untold(FIRST, 1)] == ["1"]


def is_waiting(stores: PostgresqlStores) -> bool:
    """True if a connection waits for what another one has locked."""
    return stores.database.number("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0


def test_a_claim_ends_who_stands_still_in_a_transaction(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a machine that is gone. Nothing of it is stored, and its node finds that out."""
    one.use_turn(1)
    assert one.begin()
    one.write([said(1)])
    other.execute("SET lock_timeout = 10")
    other.claim(2)
    assert other.untold(0) == []
    with pytest.raises(StorageError):
        one.commit()
    one.rollback()
    with pytest.raises(Fenced):
        one.begin()
    keep(other, 2, said(2))
    assert texts(stores) == ["2"]


def test_a_claim_does_not_wait_for_ever(
    one: ServerNodeJournal, stores: PostgresqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another program has the row, which a claim does not end."""
    monkeypatch.setattr(node_journal, "CLAIM_PATIENCE_S", 0.0)
    one.execute("SET lock_timeout = 10")
    with stores.database.transaction():
        stores.database.execute("SELECT value FROM history_state FOR SHARE")
        with pytest.raises(DatabaseBusy):
            one.claim(2)
    one.claim(2)


def test_a_claim_needs_no_connection(one: ServerNodeJournal, postgresql_server: PostgresqlServer) -> None:
    """The server may have been started anew."""
    postgresql_server.end_connections()
    one.claim(2)
    assert one.begin()
    one.rollback()


def test_a_lost_connection_is_made_anew(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores, postgresql_server: PostgresqlServer
) -> None:
    """By the next transaction, which is one of the same turn."""
    keep(one, 1, said(1))
    postgresql_server.end_connections()
    keep(one, 1, said(2))
    assert texts(stores) == ["1", "2"]
    postgresql_server.end_connections()
    other.claim(2)
    with pytest.raises(Fenced):
        keep(one, 1, said(3))


def test_founders_go_on_behind_all_turns(
    one: ServerNodeJournal, open_one: Callable[[], ServerNodeJournal], stores: PostgresqlStores
) -> None:
    """Redis may have lost its count: the row knows, to a thousand."""
    for turn in (STEP - 1, STEP, STEP + 1, 2 * STEP - 1):
        keep(one, turn, said(turn))
        assert turn < one.next_turn() <= turn + STEP
    assert read_row(stores) == STEP
    founder = open_one()
    turn = founder.next_turn()
    founder.claim(turn)
    with pytest.raises(Fenced):
        keep(one, turn - 1, said(9))
    keep(founder, turn, said(2 * STEP))
    assert founder.next_turn() == turn + STEP


def test_founders_go_on_behind_what_the_stores_have(
    one: ServerNodeJournal, stores: PostgresqlStores, by: Actor
) -> None:
    """Turns may change channels for long, and say nothing: then no commit of theirs raises the row."""
    keep(one, 1, said(1))
    stores.use_turn(7 * STEP)
    stores.channels.save(StoredChannel("#tea", None, from_ms(AT)), by, "", "")
    assert one.next_turn() == 8 * STEP


def test_a_rolled_back_turn_raises_nothing(one: ServerNodeJournal, stores: PostgresqlStores) -> None:
    """The next transaction raises the row instead."""
    one.use_turn(STEP)
    assert one.begin()
    one.rollback()
    assert read_row(stores) == 0
    keep(one, STEP, said(1))
    assert read_row(stores) == STEP


def test_other_nodes_end_and_rename_conversations(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores
) -> None:
    """A node that had written there before writes into the conversation of that name now."""
    keep(one, 1, said(1), said(2, "#tea"))
    other.use_turn(2)
    assert other.begin()
    other.end_channel("#lobby")
    other.rename_channel("#tea", "#coffee")
    other.commit()
    keep(one, 3, said(3), said(4, "#tea"), said(5, "#coffee"))
    keep(other, 4, said(6), said(7, "#coffee"))
    assert texts(stores) == ["3", "6"]
    assert texts(stores, "#tea") == ["4"]
    assert texts(stores, "#coffee") == ["2", "5", "7"]


def test_events_that_are_too_late_are_left_out(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores
) -> None:
    """What was read behind them may be indexed. A message is never too late without its node knowing it."""
    keep(one, 1, said(3, kind=Kind.JOIN))
    keep(other, 2, said(1, kind=Kind.JOIN), said(4))
    assert texts(stores) == ["3", "4"]
    with pytest.raises(Fenced):
        keep(one, 3, said(2), said(5))
    keep(one, 3, said(6))
    assert texts(stores) == ["3", "4", "6"]


def test_untold_entries_are_whole(one: ServerNodeJournal) -> None:
    """Each has the fields that were written: of a channel, and between accounts."""
    first = said(1)._replace(client_tags="+x=1", flags=1)
    second = first._replace(message_id=FIRST + 2, conversation=direct(9, 7), target="bob", account_id=7, account="Ada")
    keep(one, 1, first, second)
    assert one.untold(0) == [first, second]


def test_what_a_turn_has_changed_is_kept_with_its_messages(one: ServerNodeJournal, other: ServerNodeJournal) -> None:
    """Until the next one that changes anything; and only if the transaction is committed."""
    kept = KeptTurn(FIRST, "a/1", b'[["+user",{"nick":"\xff\x00"}]]')
    one.use_turn(1)
    assert one.begin()
    one.write([said(1)])
    one.keep_turn(kept)
    assert other.find_kept(FIRST) is None
    one.commit()
    assert other.find_kept(FIRST) == kept
    assert other.find_kept(FIRST + 1) is None
    other.use_turn(2)
    assert other.begin()
    other.keep_turn(kept._replace(after_id=FIRST + 1))
    other.rollback()
    assert one.find_kept(FIRST) == kept
    assert other.begin()
    other.keep_turn(kept._replace(after_id=FIRST + 1, home="b/2"))
    other.commit()
    assert one.find_kept(FIRST) is None
    assert one.find_kept(FIRST + 1) == KeptTurn(FIRST + 1, "b/2", kept.records)


@pytest.mark.parametrize("is_indexed", [False, True])
def test_refused_messages_are_taken_back(
    one: ServerNodeJournal, stores: PostgresqlStores, address: ServerAddress, *, is_indexed: bool
) -> None:
    """If they are stored after all. Events of the same transaction stay."""
    keep(one, 1, said(1), said(2, kind=Kind.JOIN), *[said(number) for number in range(3, 40)])
    if is_indexed:
        upkeep = open_upkeep(address)
        run(upkeep.index_some)
        upkeep.close()
    one.use_turn(2)
    assert one.begin()
    assert not one.is_made([FIRST + 50])
    assert one.is_made([FIRST + number for number in range(2, 40)])
    one.take_back([FIRST + number for number in range(3, 40)])
    one.commit()
    assert texts(stores) == ["1", "2"]
    assert stores.database.number("SELECT count(*) FROM message_words") == is_indexed
    assert [entry.text for entry in stores.history.search(Search("", ["#lobby"], sender="ada"))] == ["1"]


def test_a_claim_on_a_server_that_is_silent(
    one: ServerNodeJournal, postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails after one wait: the server is not asked again over a new connection."""
    assert isinstance(one._connection, ImpatientConnection)
    one._connection.patience_s = 0.1
    monkeypatch.setattr(ServerNodeJournal, "_connect", lambda journal: pytest.fail("it connects"))
    postgresql_server.pause()
    try:
        with pytest.raises(StorageError, match="does not answer"):
            one.claim(2)
    finally:
        postgresql_server.resume()


def test_no_node_loses_a_message_to_anothers_index(
    one: ServerNodeJournal, other: ServerNodeJournal, stores: PostgresqlStores, address: ServerAddress
) -> None:
    """Nodes alternate, and each has an upkeep, which indexes up to what it finds at any moment."""
    upkeeps = [open_upkeep(address), open_upkeep(address)]
    for number in range(1, 13):
        keep((one, other)[number % 2], number, said(number))
        if number % 3 == 0:
            run(upkeeps[number % 2].index_some)
            assert upkeeps[0].last_indexed() == FIRST + number
    assert texts(stores) == [str(number) for number in range(1, 13)]
    assert stores.database.number("SELECT count(*) FROM places") == 12
    for upkeep in upkeeps:
        upkeep.close()


def test_a_lone_daemon_needs_no_turn(one: ServerNodeJournal, address: ServerAddress, stores: PostgresqlStores) -> None:
    """It goes on with the database of nodes that are no more, and does not look at the row."""
    keep(one, 1, said(1))
    one.claim(9)
    with stores.database.transaction():
        stores.database.execute("SELECT value FROM history_state WHERE name = 'cluster.turn' FOR UPDATE")
        journal = open_journal(address)
        assert journal.begin()
        journal.write([said(2)])
        journal.end_channel("#lobby")
        journal.commit()
        journal.close()
    assert read_row(stores) == 9


def test_a_commit_of_a_node_waits_for_the_disk(one: ServerNodeJournal) -> None:
    """Whatever the settings say: other nodes tell what it has committed."""
    assert one.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_nobody_waits_for_a_transaction_for_long(one: ServerNodeJournal) -> None:
    """The server ends it, also if its machine is gone. These two are longer than the connection itself waits."""
    assert one.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("4s",)
    assert one.execute("SHOW statement_timeout").fetchone() == ("8s",)


def test_a_refused_turn_is_followed_by_others(one: ServerNodeJournal, stores: PostgresqlStores) -> None:
    """Also when statements are used so often that psycopg prepares them: a ROLLBACK has the server forget those."""
    for number in range(1, 12):
        keep(one, number, said(number))
    one.begin()
    one.write([tuple(said(12))])  # type: ignore[list-item]
    one.rollback()
    keep(one, 13, said(13))
    assert texts(stores)[-2:] == ["11", "13"]
