"""Databases of earlier releases, kept as text beside this file, are brought to the present schema."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.frozen_databases import FROZEN, thaw
from harness.verifiers import find_verifier

from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.chat.stored.records import Actor, Role
from chatroom.storage.sql.inspection import run_check
from chatroom.storage.sqlite.file_inspection import list_checks
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.migrate import newest_version, read_schema_version
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores, upgraded_stores
from chatroom.storage.write_guard import WriteGuard


@pytest.fixture(params=FROZEN, ids=lambda file: file.stem)
def thawed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database of that version."""
    return thaw(request.param, tmp_path / "old.db")


def schema(stores: SqliteStores) -> set[tuple[str, ...]]:
    """All tables and indexes, without the layout of their SQL."""
    rows = stores.database.rows("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")
    return {(kind, name, table, " ".join(sql.replace('"', "").split())) for kind, name, table, sql in rows}


def test_schema_is_that_of_a_new_database(thawed: Path, stores: SqliteStores) -> None:
    """An upgraded database has the schema of a new one, is whole, and was copied before."""
    with open_stores(thawed, migrate=True) as upgraded:
        assert schema(upgraded) == schema(stores)
        assert upgraded.upgraded_from is not None
        assert [
            fault for check in list_checks(upgraded.database) for fault in run_check(upgraded.database, check)
        ] == []
        assert upgraded.database.number("PRAGMA auto_vacuum") == 2
        upgraded_version = upgraded.database.number("PRAGMA user_version")
    with closing(open_database(upgraded.upgraded_from)) as copy:
        assert copy.number("PRAGMA user_version") < upgraded_version
        assert copy.number("SELECT count(*) FROM accounts") == 2


def test_nothing_is_lost(thawed: Path) -> None:
    """Accounts, bans, channels and the audit stay as they were. Ids of deleted accounts are not given out again."""
    by = Actor("root", "cli")
    with open_stores(thawed, migrate=True) as stores:
        ada = stores.accounts.get("ada")
        assert (ada.id, ada.name, ada.role) == (1, "Ada", Role.ADMIN)
        assert find_verifier(stores, "ada") == "$2b$04$abcdefghijklmnopqrstuv"
        assert [account.name for account in stores.accounts.list_all()] == ["Ada", "bob"]
        in_force = stores.bans.list_in_force(datetime(2030, 6, 1, tzinfo=UTC))
        assert [(ban.kind, ban.target, ban.reason) for ban in in_force] == [("name", "mallory", "flooding")]
        assert len(stores.bans.list_all()) == 2
        tea = stores.channels.find("#tea")
        assert tea is not None
        assert (tea.name, tea.founder_id, tea.topic, tea.forward) == ("#Tea", 1, "Today: green", None)
        assert (tea.access, [entry.mask for entry in tea.lists]) == ({1: "founder", 2: "v"}, ["*!*@spam.example"])
        assert len(stores.audit.list_entries()) == 7
        assert stores.server_key("cloak") == bytes.fromhex("00112233")
        assert stores.accounts.create("eve", Role.USER, [], by).id == 4


def test_history_begins(thawed: Path) -> None:
    """What is said after the upgrade is kept, indexed and found."""
    with open_stores(thawed, migrate=True) as stores:
        message_id, time_ms = first_message_id(1_904_000_000_000), 1_904_000_000_000
        entry = Entry(message_id, time_ms, "#Tea", Kind.PRIVMSG, "ada!a@h", 1, "Ada", "#Tea", "hello")
        with closing(open_journal(thawed)) as journal:
            assert journal.last_message_id() == 0
            assert journal.begin()
            journal.write([entry])
            journal.commit()
        with closing(open_upkeep(thawed)) as upkeep:
            while upkeep.index_some():
                pass
        assert stores.history.latest("#tea", 5) == [entry]


def test_an_upgrade_at_a_handover_is_all_or_nothing(thawed: Path, stores: SqliteStores) -> None:
    """The block sees the upgraded database, others the older one; if it fails, nothing of it is left.

    Otherwise everything is there at once, however many migrations it takes.
    """
    with closing(open_database(thawed)) as other:
        version = other.number("PRAGMA user_version")
        with pytest.raises(RuntimeError, match="no"):
            _fail_in_upgrade(thawed)
        assert other.number("PRAGMA user_version") == version
        assert not list(thawed.parent.glob("old.db.before-*"))
        with upgraded_stores(thawed, WriteGuard(thawed)) as upgraded:
            assert schema(upgraded) == schema(stores)
            assert [account.name for account in upgraded.accounts.list_all()] == ["Ada", "bob"]
            assert other.number("PRAGMA user_version") == version
            assert upgraded.upgraded_from is not None and upgraded.upgraded_from.exists()
        assert other.number("PRAGMA user_version") == newest_version()
    with upgraded_stores(thawed, WriteGuard(thawed)) as again:
        assert again.upgraded_from is None
        assert read_schema_version(thawed) == newest_version()


def _fail_in_upgrade(path: Path) -> None:
    with upgraded_stores(path, WriteGuard(path)) as upgraded:
        assert upgraded.accounts.count_admins() == 1
        raise RuntimeError("no")
