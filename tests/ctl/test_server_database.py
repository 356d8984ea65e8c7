"""``chatroomctl db`` and ``check`` for a database on a PostgreSQL server, and its locks."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import Result
from harness.control_server import ControlServer

from chatroom.chat.stored.records import Actor, Role
from chatroom.config import load
from chatroom.ctl.offline import exclusive, is_served, without_daemon
from chatroom.database_address import ServerAddress, local_path
from chatroom.errors import Refused
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.migration_files import Migration
from chatroom.storage.opening import make_server_lock, newest_version, open_stores
from chatroom.storage.postgresql import server_lock, server_migrate
from chatroom.storage.postgresql.server_database import PostgresqlDatabase
from chatroom.storage.sql.timestamps import utc_now

if TYPE_CHECKING:
    from harness.postgresql_server import PostgresqlServer

Run = Callable[..., Result]
pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def address(postgresql_server: PostgresqlServer) -> Iterator[ServerAddress]:
    """A database with our tables, which are empty."""
    with postgresql_server.database() as made:
        yield made


@pytest.fixture
def empty(postgresql_server: PostgresqlServer) -> Iterator[ServerAddress]:
    """A database without tables."""
    with postgresql_server.database(empty=True) as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock that another one has."""
    monkeypatch.setattr(server_lock, "_PATIENCE_S", 0.0)


def damage(address: ServerAddress, *statements: str) -> None:
    """Run statements that no store would run."""
    with closing(PostgresqlDatabase(address, "cli", utc_now, 5.0)) as database:
        for one in statements:
            database.execute(one)


def test_migrate_fills_an_empty_database(run: Run, empty: ServerAddress) -> None:
    """Before, each command says how to do it; the second time there is nothing to do."""
    for command in (["db", "status"], ["db", "check"], ["user", "list"]):
        result = run("--database", empty, *command)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
        assert "the database is empty" in result.stderr and "db migrate" in result.stderr
    assert run("--database", empty, "db", "migrate").stdout == f"Created {empty}\n"
    assert "nothing to do" in run("--database", empty, "db", "migrate").stdout
    assert run("--database", empty, "user", "list").exit_code == 0


def test_migrate_upgrades(run: Run, address: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older database is upgraded, unless a daemon serves it, here or on another machine."""
    number = newest_version() + 1
    migrations = (*server_migrate.load_migrations(), Migration(number, "extra", "CREATE TABLE extra (a BIGINT);"))
    monkeypatch.setattr(server_migrate, "load_migrations", lambda: migrations)
    assert json.loads(run("--database", address, "db", "status", "--json").stdout)["state"] == "outdated"
    assert "chatroomctl db migrate" in run("--database", address, "user", "list").stderr
    with DaemonLock.acquire(address):
        assert "stop it first" in run("--database", address, "db", "migrate").stderr
    lock = make_server_lock(address)
    lock.acquire()
    assert "stop it first" in run("--database", address, "db", "migrate").stderr
    lock.give_back()
    result = run("--database", address, "db", "migrate")
    assert result.stdout == f"Migrated {address} from version {number - 1} to {number}\n"
    assert json.loads(run("--database", address, "db", "status", "--json").stdout)["state"] == "current"


def test_status(run: Run, address: ServerAddress) -> None:
    """It has the server's version in the place of SQLite's, and no pages."""
    with open_stores(address) as stores:
        stores.bans.add("name", "mallory", "", None, Actor("x", "cli"))
    found = json.loads(run("--database", address, "db", "status", "--json").stdout)
    assert (found["path"], found["state"], found["served"]) == (str(address), "current", False)
    assert found["size"] > 0 and found["sqlite_version"] is None and found["postgresql_version"]
    assert (found["rows"]["bans_in_force"], found["rows"]["accounts"]) == (1, 0)
    assert [one["number"] for one in found["migrations"]] == list(range(1, newest_version() + 1))
    lines = dict(line.split("  ", 1) for line in run("--database", address, "db", "status").stdout.splitlines())
    assert lines["Database"].strip() == str(address)
    assert "SQLite" not in lines and lines["PostgreSQL"].strip() == found["postgresql_version"]


def test_check_finds_what_refers_to_nothing(run: Run, address: ServerAddress) -> None:
    """A sound database has no faults. A row whose account is gone is one, though the server once was told to let it."""
    assert run("--database", address, "db", "check").stdout == f"{address} has no faults\n"
    with open_stores(address) as stores:
        account = stores.accounts.create("alice", Role.USER, [], Actor("x", "cli"))
    damage(
        address,
        "SET session_replication_role = replica",
        f"DELETE FROM accounts WHERE id = {account.id}",
        f"INSERT INTO credentials (account_id, kind, value) VALUES ({account.id}, 'bcrypt', 'x')",
    )
    result = run("--database", address, "db", "check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"] == [
        "references of credentials: account_id of a row refers to no row of accounts"
    ]
    assert "faults found: 1" in result.stderr


def test_check_has_the_server_check_its_indexes(run: Run, address: ServerAddress) -> None:
    """If the extension for that is there."""
    damage(address, "CREATE EXTENSION amcheck")
    assert run("--database", address, "db", "check").stdout == f"{address} has no faults\n"


def test_a_copy_by_the_programs_that_are_named(
    run: Run, address: ServerAddress, empty: ServerAddress, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "db backup", "db restore" and "db vacuum" say which command does it. Those make a copy that is sound."""
    from harness.postgresql_server import find_programs

    monkeypatch.setenv("PATH", f"{find_programs()}{os.pathsep}{os.environ['PATH']}")
    with open_stores(address) as stores:
        stores.bans.add("name", "mallory", "", None, Actor("x", "cli"))
    copy = home / "my copy.dump"
    copy.touch()  # so that "db restore" takes its name
    for database, words in (
        (address, ["backup", "--force", copy]),
        (empty, ["restore", copy, "--yes"]),
        (empty, ["vacuum", "--yes"]),
    ):
        result = run("--database", database, "db", *words)
        assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
        assert result.stderr.startswith(f"chatroomctl: {database}: ")
        named = shlex.split(result.stderr.rpartition(": ")[2])
        subprocess.run(named, check=True, capture_output=True)
    assert [one["target"] for one in json.loads(run("--database", empty, "ban", "list", "--json").stdout)] == [
        "mallory"
    ]
    assert run("--database", empty, "db", "check").exit_code == 0


def test_what_only_a_file_has_is_not_looked_for(
    run: Run, address: ServerAddress, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "check" skips disk and backups, and finds that nobody is an admin."""
    monkeypatch.setenv("CHATROOM_LISTEN__PORT", "0")
    found = json.loads(run("--database", address, "check", "--json").stdout)
    assert found["skipped"]["disk"] == found["skipped"]["backups"] == "the database is on a server"
    assert [one["problem"] for one in found["findings"] if one["check"] == "database"] == ["no admin can log in"]
    assert {"permissions", "clock", "hooks"} <= set(found["checks"])
    assert [one for one in found["findings"] if one["check"] in ("permissions", "clock", "hooks")] == []


def test_a_server_that_does_not_answer(run: Run, home: Path) -> None:
    """Each command says so in one line, and "check" has it as one finding with its way out."""
    nowhere = ServerAddress(f"postgresql://chat@/chat?host={home}")
    for command in (["user", "list"], ["ban", "add", "mallory"], ["db", "status"], ["db", "migrate"], ["db", "check"]):
        result = run("--database", nowhere, *command)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1), command
        assert result.stderr.startswith(f"chatroomctl: {nowhere}: ")
    found = json.loads(run("--database", nowhere, "check", "--json").stdout)["findings"]
    (finding,) = [one for one in found if one["check"] == "database"]
    assert "database.url" in finding["way_out"]


def check_refusals(address: ServerAddress, named: str) -> None:
    """Another machine has the lock: nothing is done instead of its daemon, and what runs alone does not run."""
    with (
        pytest.raises(Refused, match=rf"{named} serves this database, from .*: run this there"),
        without_daemon(address),
    ):
        pytest.fail("it runs")
    check_not_alone(address)


def check_not_alone(address: ServerAddress) -> None:
    """What must run alone does not run."""
    with pytest.raises(Refused, match="stop it first"), exclusive(address):
        pytest.fail("it runs")


def test_a_daemon_of_another_machine_is_found_by_its_lock(run: Run, address: ServerAddress) -> None:
    """What it must do itself is refused, and says where it runs. Here it leaves no trace."""
    assert not is_served(address)
    with without_daemon(address) as is_offline:
        assert is_offline and is_served(address)
    lock = make_server_lock(address)
    lock.acquire()
    assert is_served(address)
    check_refusals(address, "another daemon")
    lock.give_back()
    with exclusive(address):
        assert is_served(address)
    assert not is_served(address)


def test_nodes_keep_away_what_no_daemon_may_be_in_the_way_of(address: ServerAddress) -> None:
    """Those of other machines, and those of this one, which are asked."""
    lock = make_server_lock(address, "tea")
    lock.acquire()
    assert is_served(address)
    check_refusals(address, "a node of a cluster")
    lock.give_back()
    with DaemonLock.acquire(address, "a"):
        assert is_served(address)
        with without_daemon(address) as is_offline:
            assert not is_offline
        check_not_alone(address)
    with exclusive(address):
        assert is_served(address)


def test_of_several_nodes_that_of_the_configuration_is_asked(run: Run, address: ServerAddress, home: Path) -> None:
    """Each has a control socket of its own. Without a configuration, the first node answers."""
    config = home / "chatroom.toml"
    config.write_text(f'[database]\nurl = "{address}"\n[cluster]\nredis = "redis://localhost"\nnode = "b"\n')
    with contextlib.ExitStack() as running:
        nodes = {}
        for name in ("a", "b"):
            running.enter_context(DaemonLock.acquire(address, name))
            nodes[name] = ControlServer(local_path(address, name), {"LOGLEVEL": []})
            running.callback(nodes[name].close)
        run("--database", address, "log", "level")
        assert (len(nodes["a"].received), nodes["b"].received) == (3, [])
        run("--config", config, "log", "level")
        assert len(nodes["a"].received) == len(nodes["b"].received) == 3


def test_a_daemon_of_this_machine_is_asked(address: ServerAddress) -> None:
    """It has the control socket of the database, however the URL is spelt."""
    with DaemonLock.acquire(address):
        assert is_served(address)
        with without_daemon(address) as is_offline:
            assert not is_offline
        other = ServerAddress(address.url.replace("postgresql://postgres@", "postgres://"))
        assert is_served(other)


def test_the_other_database_is_asked_about(run: Run, address: ServerAddress, database: Path) -> None:
    """If a daemon of this user serves a server's database, a change of a file is doubtful, and the other way round."""
    for changed, served in ((database, address), (address, database)):
        server = ControlServer(local_path(served), {"STATUS": [f":srv NOTE STATUS database :{served}"]})
        result = run("--database", changed, "ban", "add", "mallory")
        assert result.exit_code == 1
        assert f"No daemon serves {changed}, but one of yours serves {served}" in result.stderr
        assert run("--database", changed, "ban", "add", "mallory", "--yes").exit_code == 0
        server.close()


def test_without_the_package(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which one to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    url = "postgresql://chat@h.invalid/chat"
    said = f"{url}: PostgreSQL needs a package: pip install 'chatroom[postgresql]'"
    assert run("--database", url, "user", "list").stderr == f"chatroomctl: {said}\n"


def test_init_writes_the_url(run: Run, empty: ServerAddress, home: Path) -> None:
    """The first admin is made on the server, in a database that was empty."""
    options = ["--admin", "alice", "--registration", "closed", "--password-stdin"]
    result = run("--config", "my.toml", "--database", empty, "init", *options, input="correct horse battery\n")
    assert result.exit_code == 0, result.stderr
    assert f"Created the account alice (admin) in {empty}." in result.stdout
    assert load(home / "my.toml", {}).database.address == empty
    assert run("--config", "my.toml", "user", "show", "alice").exit_code == 0
    assert sorted(path.name for path in home.iterdir()) == ["my.toml"]
