from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, Change, NewBan, Role, StoredChannel
from chatroom.errors import InvalidTarget
from chatroom.storage.sql import change_store
from chatroom.storage.sql.sql_stores import SqlStores


def test_each_mutation_names_its_row(stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]) -> None:
    """Another connection reads which rows were changed, in the order of the commits."""
    daemon = open_another("daemon:1")
    account = stores.accounts.create("ada", Role.USER, [], by)
    ban = stores.bans.add("name", "mallory", "", None, by)
    stores.channels.save(StoredChannel("#a", None, datetime(2030, 1, 1, tzinfo=UTC)), by, "", "")
    stores.accounts.set_role(account.id, Role.ADMIN, by)
    stores.accounts.set_credentials(account.id, [], by)
    stores.accounts.set_disabled(account.id, True, by)
    stores.bans.lift(ban.id, by)
    stores.channels.delete("#a", by)
    stores.accounts.delete(account.id, by)
    touched = [(change.table, change.row_id) for change in daemon.changes_after(0)]
    assert touched == [
        ("accounts", 1), ("bans", 1), ("channels", 1), ("accounts", 1), ("accounts", 1), ("accounts", 1), ("bans", 1),
        ("channels", 1), ("accounts", 1),
    ]  # fmt: skip
    assert [change.id for change in daemon.changes_after(7)] == [8, 9]
    assert daemon.changes_after(9) == []
    assert daemon.last_change_id() == 9


def test_own_origin_is_left_out(stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]) -> None:
    """Connections of one daemon skip each other's changes, and read those of other writers in between."""
    first, second = open_another("daemon:1"), open_another("daemon:1")
    first.bans.add("name", "a", "", None, by)
    stores.bans.add("name", "b", "", None, by)
    second.bans.add("name", "c", "", None, by)
    assert first.changes_after(0) == second.changes_after(0) == [Change(2, "bans", 2, "cli")]
    assert [change.row_id for change in stores.changes_after(0)] == [1, 3]


def test_foreign_commits_are_noticed_once(
    stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]
) -> None:
    """A commit of another connection is reported by one call. A connection's own commits are not."""
    daemon = open_another("daemon:1")
    daemon.changed_elsewhere()  # the first answer may be a guess
    stores.changed_elsewhere()
    assert not daemon.changed_elsewhere()
    stores.bans.add("name", "a", "", None, by)
    stores.audit.add(by, "kick", "a", "")
    assert daemon.changed_elsewhere()
    assert not daemon.changed_elsewhere()
    daemon.bans.add("name", "b", "", None, by)
    assert not daemon.changed_elsewhere()
    assert stores.changed_elsewhere()


def test_a_commit_before_the_first_call_is_noticed(
    stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]
) -> None:
    """A commit between opening a connection and its first call is reported."""
    daemon = open_another("daemon:1")
    stores.bans.add("name", "a", "", None, by)
    assert daemon.changed_elsewhere()


def test_a_refusal_is_no_change(stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]) -> None:
    """A transaction that was rolled back leaves neither a row nor a gap in the ids."""
    stores.accounts.create("ada", Role.USER, [], by)
    with pytest.raises(InvalidTarget):
        stores.bans.add_many([NewBan("name", "b", "", None), NewBan("ip", "rubbish", "", None)], by)
    stores.bans.add("name", "a", "", None, by)
    assert [change.id for change in open_another("daemon:1").changes_after(0)] == [1, 2]


@pytest.fixture
def few_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep ten rows, and prune after every fourth."""
    monkeypatch.setattr(change_store, "KEPT_ROWS", 10)
    monkeypatch.setattr(change_store, "_PRUNE_EVERY", 4)


@pytest.mark.usefixtures("few_kept")
def test_old_rows_are_not_kept_for_ever(stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]) -> None:
    """The log has about as many rows as its limit, the newest ones, and ids go on."""
    daemon = open_another("daemon:1")
    for number in range(50):
        stores.bans.add("name", f"name{number}", "", None, by)
        assert stores.database.number("SELECT count(*) FROM changes") <= 13
    assert [change.id for change in daemon.changes_after(40)] == list(range(41, 51))


@pytest.mark.usefixtures("few_kept")
def test_who_overslept_is_told_of_every_row(
    stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]
) -> None:
    """A reader that is behind the oldest row gets a change for every row that may exist, then goes on as usual."""
    daemon = open_another("daemon:1")
    account = stores.accounts.create("ada", Role.USER, [], by)
    stores.accounts.delete(account.id, by)
    for number in range(20):
        stores.bans.add("name", f"name{number}", "", None, by)
    everything = daemon.changes_after(1)
    assert [(change.table, change.row_id) for change in everything] == [
        ("accounts", 1),
        *(("bans", number) for number in range(1, 21)),
    ]
    assert {change.id for change in everything} == {daemon.last_change_id()} == {22}
    stores.bans.add("name", "late", "", None, by)
    assert daemon.changes_after(22) == [Change(23, "bans", 21, "cli")]


def test_two_writers_leave_no_gap(stores: SqlStores, place: str, open_another: Callable[[str], SqlStores]) -> None:
    """While two processes write, a third reads every change once and in order."""
    script = (
        "import sys; from chatroom.database_address import find_address;"
        "from chatroom.storage.opening import open_stores;"
        "from chatroom.chat.stored.records import Actor; by = Actor('root', 'cli');"
        "s = open_stores(find_address(sys.argv[1]))\n"
        "for n in range(100): s.bans.add('name', sys.argv[2] + str(n), '', None, by)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, place, name], cwd=Path(__file__).parents[3])
        for name in ("a", "b")
    ]
    daemon = open_another("daemon:1")
    seen: list[Change] = []
    while any(writer.poll() is None for writer in writers):
        if daemon.changed_elsewhere():
            seen += daemon.changes_after(seen[-1].id if seen else 0)
    assert [writer.returncode for writer in writers] == [0, 0]
    seen += daemon.changes_after(seen[-1].id if seen else 0)
    assert [change.id for change in seen] == list(range(1, 201))
    assert sorted(change.row_id for change in seen) == list(range(1, 201))
