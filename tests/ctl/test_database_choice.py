"""A command that would change another database than the one that a daemon of this user serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer

from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.sqlite_stores import open_stores

Run = Callable[..., Result]


@pytest.fixture
def served(home: Path) -> Iterator[Path]:
    """A database that a daemon of this user serves."""
    path = home / "served.db"
    server = ControlServer(path, {"STATUS": [f":srv NOTE STATUS database :{path}"]})
    yield path
    server.close()


@pytest.mark.parametrize(
    "command",
    [
        ["ban", "add", "mallory"],
        ["ban", "remove", "1"],
        ["ban", "import", "-"],
        ["user", "create", "bob", "--password-stdin"],
        ["user", "create-admin", "bob", "--password-stdin"],
        ["user", "passwd", "bob", "--password-stdin"],
        ["history", "prune", "--older-than", "1d"],
        ["db", "migrate"],
    ],
    ids=" ".join,
)
def test_without_a_terminal_it_is_refused(run: Run, database: Path, served: Path, command: list[str]) -> None:
    """The refusal names both databases and ``--yes``, and nothing is changed."""
    result = run("--database", database, *command, input="correct horse\n")
    assert result.exit_code == 1
    assert f"No daemon serves {database}, but one of yours serves {served}" in result.stderr
    assert "--yes" in result.stderr
    with open_stores(database) as stores:
        assert (stores.bans.list_all(), stores.accounts.list_all()) == ([], [])


@pytest.mark.usefixtures("served")
def test_yes_agrees(run: Run, database: Path) -> None:
    """With ``--yes`` the command changes the database that it was given."""
    assert run("--database", database, "ban", "add", "mallory", "--yes").exit_code == 0
    assert run("--database", database, "ban", "remove", "mallory", "--yes").exit_code == 0


@pytest.mark.usefixtures("served")
def test_a_database_that_is_served_too_is_changed(run: Run, database: Path) -> None:
    """If each of two databases has a daemon, none of them is the wrong one."""
    with DaemonLock.acquire(database):
        assert run("--database", database, "ban", "add", "mallory").exit_code == 0


def test_a_daemon_that_is_gone_does_not_count(run: Run, database: Path, home: Path) -> None:
    """A killed daemon leaves its socket; nothing is asked."""
    ControlServer(home / "gone.db", {}).close()
    assert run("--database", database, "ban", "add", "mallory").exit_code == 0


@pytest.mark.usefixtures("served")
def test_reading_is_not_asked(run: Run, database: Path) -> None:
    """A command that only reads runs."""
    assert run("--database", database, "ban", "list").exit_code == 0


@pytest.mark.usefixtures("served")
def test_a_dry_run_is_not_asked(run: Run, database: Path, home: Path) -> None:
    """It changes nothing, whatever the database."""
    (home / "bans.txt").write_text("mallory\n")
    assert "--yes" in run("--database", database, "ban", "import", home / "bans.txt").stderr
    assert run("--database", database, "ban", "import", home / "bans.txt", "--dry-run").exit_code == 0


def test_a_live_command_names_the_daemon_there_is(run: Run, database: Path, served: Path) -> None:
    """A command for the daemon of a database without one names the database that has one."""
    told = run("--database", database, "status").stderr
    assert told == f"chatroomctl: no daemon serves {database}, but one of yours serves {served}: " + (
        "choose it with --database\n"
    )


def test_a_long_path_is_named_whole(run: Run, database: Path, home: Path) -> None:
    """The daemon tells it in several lines."""
    lines = [f":srv NOTE STATUS database :{part}" for part in ("/srv/a", "/b/c", ".db")]
    with closing(ControlServer(home / "other.db", {"STATUS": lines})):
        said = run("--database", database, "ban", "add", "mallory").stderr
    assert "serves /srv/a/b/c.db (" in said
