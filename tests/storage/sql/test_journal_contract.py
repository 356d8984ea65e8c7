"""What every journal keeps to."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from harness.written_history import AT, keep, said

from chatroom.chat.stored.entries import direct, first_message_id
from chatroom.chat.stored.history_stores import Journal
from chatroom.chat.stored.records import Actor, Role
from chatroom.errors import StorageError
from chatroom.storage.opening import open_journal
from chatroom.storage.sql import history_index
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sqlite.sqlite_stores import SqliteStores


def test_what_is_written_is_read(journal: Journal, stores: SqlStores) -> None:
    """Every field of an entry comes back, in a channel and in a direct conversation."""
    first = first_message_id(AT)
    entries = [said(first), said(first + 1, conversation=direct(9, 7))]
    keep(journal, *entries)
    assert [stores.history.find(entry.message_id) for entry in entries] == entries


def test_message_ids_go_on_where_they_ended(journal: Journal, stores: SqlStores) -> None:
    """The highest message id is known after opening again, also if its entry was deleted."""
    assert journal.last_message_id() == 0
    last = first_message_id(AT) + 5
    keep(journal, said(last - 1), said(last))
    journal.close()
    with stores.database.transaction():
        history_index.remove(stores.database, [last - 1, last])
    again = open_journal(stores.address)
    assert again.last_message_id() == last
    again.close()


def test_what_is_not_committed_is_not_there(journal: Journal, stores: SqlStores) -> None:
    """No one reads an entry before it is committed. After a rollback, neither it nor its conversation exists."""
    message_id = first_message_id(AT)
    assert journal.begin()
    journal.write([said(message_id)])
    assert stores.history.find(message_id) is None
    journal.rollback()
    journal.rollback()
    assert stores.history.find(message_id) is None
    keep(journal, said(message_id + 1))
    assert [entry.message_id for entry in stores.history.latest("#lobby", 9)] == [message_id + 1]


@pytest.mark.parametrize("message_id", [first_message_id(AT) - 1, first_message_id(AT) + 1])
def test_message_ids_that_cannot_be(journal: Journal, stores: SqlStores, message_id: int) -> None:
    """A message id that is taken, or too low for its time, rolls the transaction back. The next one works."""
    taken = first_message_id(AT) + 1
    keep(journal, said(taken))
    assert journal.begin()
    with pytest.raises(StorageError):
        journal.write([said(taken + 1), said(message_id)])
    keep(journal, said(taken + 2))
    assert [entry.message_id for entry in stores.history.latest("#lobby", 9)] == [taken, taken + 2]


def test_ended_channel_is_another_one(journal: Journal, stores: SqlStores) -> None:
    """The entries of an ended channel are not part of a later channel of its name, in any case."""
    message_id = first_message_id(AT)
    keep(journal, said(message_id, conversation="#Den"), said(message_id + 1, conversation="#other"))
    assert journal.begin()
    journal.write([said(message_id + 2, conversation="#den")])
    journal.end_channel("#DEN")
    journal.write([said(message_id + 3, conversation="#Den")])
    journal.commit()
    assert [entry.message_id for entry in stores.history.latest("#den", 9)] == [message_id + 3]
    assert [entry.message_id for entry in stores.history.latest("#other", 9)] == [message_id + 1]
    assert stores.history.find(message_id) is not None


def test_where_an_account_left_counts_as_a_message_id(stores: SqlStores, journal: Journal, by: Actor) -> None:
    """It can be a line that was not stored. What is said later must have a higher message id, or it is not shown."""
    account = stores.accounts.create("ada", Role.USER, [], by)
    keep(journal, said(first_message_id(AT)))
    stores.presence.come(account.id, "#lobby")
    stores.presence.go(account.id, "#lobby", first_message_id(AT) + 7)
    assert journal.last_message_id() == first_message_id(AT) + 7


def test_open_channels(journal: Journal) -> None:
    """The channels whose conversations have not ended, and no direct ones."""
    message_id = first_message_id(AT)
    keep(
        journal,
        said(message_id, conversation="#Den"),
        said(message_id + 1, conversation="#a"),
        said(message_id + 2, conversation=(1, 2)),
    )
    assert sorted(journal.open_channels()) == ["#a", "#den"]
    assert journal.begin()
    journal.end_channel("#a")
    journal.commit()
    assert journal.open_channels() == ["#den"]


def test_end_that_is_given_up(journal: Journal, stores: SqlStores) -> None:
    """If the end of a channel is rolled back, its conversation goes on."""
    message_id = first_message_id(AT)
    keep(journal, said(message_id))
    assert journal.begin()
    journal.end_channel("#lobby")
    journal.write([said(message_id + 1)])
    journal.rollback()
    keep(journal, said(message_id + 2))
    assert [entry.message_id for entry in stores.history.latest("#lobby", 9)] == [message_id, message_id + 2]


def test_threads_take_turns(journal: Journal, stores: SqlStores) -> None:
    """Several threads write in turn, guarded by a lock."""
    lock, message_id = threading.Lock(), first_message_id(AT)
    failures = []

    def write_some() -> None:
        nonlocal message_id
        for _ in range(50):
            with lock:
                try:
                    message_id += 1
                    keep(journal, said(message_id))
                except Exception as error:
                    failures.append(error)

    threads = [threading.Thread(target=write_some) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(stores.history.latest("#lobby", 1000)) == 150


def test_closing_gives_up_and_is_idempotent(journal: Journal, stores: SqlStores) -> None:
    """Closing releases the write lock."""
    assert journal.begin()
    journal.close()
    journal.close()
    with stores.database.transaction():
        pass


WRITER = """
import sys
from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.database_address import find_address
from chatroom.storage.opening import open_journal
journal = open_journal(find_address(sys.argv[1]))
at = 1_900_000_000_000
message_id = max(journal.last_message_id(), first_message_id(at))
while True:
    batch = []
    for _ in range(3):
        message_id += 1
        text = str(message_id)
        batch.append(Entry(message_id, at, "#lobby", Kind.PRIVMSG, "a!b@c", None, "", "#lobby", text))
    assert journal.begin()
    journal.write(batch)
    journal.commit()
    print(message_id, flush=True)
"""


def test_killed_at_any_moment(stores: SqlStores, place: str) -> None:
    """After SIGKILL, all committed transactions are there as a whole, and the next run continues after them."""
    reported = 0
    for kill_after in (1, 7, 40, 150):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, place],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(kill_after)]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.read().splitlines(keepends=True)
        assert int(lines[0]) > reported
        reported = max(int(line) for line in lines if line.endswith("\n"))
        entries = stores.history.latest("#lobby", 100_000)
        message_ids = [entry.message_id for entry in entries]
        assert message_ids == list(range(message_ids[0], message_ids[-1] + 1))
        assert message_ids[-1] >= reported
        assert len(message_ids) % 3 == 0
        assert all(entry.text == str(entry.message_id) for entry in entries)
        reported = message_ids[-1]
    if isinstance(stores, SqliteStores):
        assert stores.database.rows("PRAGMA integrity_check") == [("ok",)]
