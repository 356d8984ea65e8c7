"""The password of a database server: where it may come from, and that nothing shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import Result

from chatroom.database_address import ServerAddress

if TYPE_CHECKING:
    from harness.postgresql_server import PostgresqlServer

Run = Callable[..., Result]
SECRET = "hush@/#%"
ENCODED = "hush%40%2F%23%25"
USER = "wary"
"""A user whom the server asks for a password."""
pytestmark = pytest.mark.debian("postgres")


@pytest.fixture
def address(postgresql_server: PostgresqlServer) -> Iterator[ServerAddress]:
    """An address of a user with a password, which it does not have."""
    made = postgresql_server.make_database()
    rules = postgresql_server.directory / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all {USER} scram-sha-256\n{before}")
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{SECRET}'".encode())
        connection.execute(b"SELECT pg_reload_conf()")
    address = ServerAddress(made.url.replace("//postgres@", f"//{USER}@"))
    wait_until_asked(address)
    yield address
    rules.write_text(before)
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute(b"SELECT pg_reload_conf()")
        connection.execute(f"DROP ROLE {USER}".encode())
    postgresql_server.drop_database(made)


def wait_until_asked(address: ServerAddress) -> None:
    """Wait until the server has read its rules."""
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        try:
            psycopg.connect(address.url, password="wrong").close()
        except psycopg.OperationalError:
            return
    pytest.fail("the server lets everybody in")


@pytest.fixture(autouse=True)
def no_own_passwords(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Neither variables nor the developer's file have a password. There is a configuration file."""
    for name in ("PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)
    (home / "chatroom.toml").touch(0o600)
    monkeypatch.setenv("CHATROOM_CONFIG", str(home / "chatroom.toml"))


def test_without_a_password_the_ways_to_give_one_are_named(run: Run, address: ServerAddress) -> None:
    """In one line. A wrong one is refused, and not repeated."""
    result = run("--database", address, "user", "list")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert all(name in result.stderr for name in ("PGPASSWORD", "PGPASSFILE", "database.password_file"))


def test_the_places_of_a_password(
    run: Run, address: ServerAddress, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of PostgreSQL's library, the file that the settings name, and a URL in a file or the environment."""
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", SECRET)
        assert run("--database", address, "user", "list").exit_code == 0
    passfile = home / "passes"
    passfile.touch(0o600)
    passfile.write_text(f"*:*:*:{USER}:{SECRET}\n")
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSFILE", str(passfile))
        assert run("--database", address, "user", "list").exit_code == 0
    with_password = address.url.replace(f"{USER}@", f"{USER}:{ENCODED}@")
    with monkeypatch.context() as patch:
        patch.setenv("CHATROOM_DATABASE__URL", with_password)
        assert run("user", "list").exit_code == 0
    (home / "secret").write_text(f"{SECRET}\n")
    for lines in (f'url = "{address}"\npassword_file = "secret"\n', f'url = "{with_password}"\n'):
        (home / "chatroom.toml").write_text(f"[database]\n{lines}")
        assert run("user", "list").exit_code == 0
    assert run("--database", address, "user", "list").exit_code == 1  # it is that of the configured server


@pytest.mark.parametrize("command", [["user", "list"], ["ban", "add", "mallory"], ["db", "status"], ["config", "show"]])
@pytest.mark.parametrize("form", ["--json", ""])
def test_a_wrong_password_is_shown_nowhere(
    run: Run, address: ServerAddress, home: Path, command: list[str], form: str
) -> None:
    """Neither in an error nor in what is printed, as it was given or as it is in a URL."""
    wrong = address.url.replace(f"{USER}@", f"{USER}:wrong{ENCODED}@")
    (home / "chatroom.toml").write_text(f'[database]\nurl = "{wrong}"\n')
    for more in (command, ["check", "--quick"]):
        result = run(*more, *filter(None, [form]))
        said = result.stdout + result.stderr
        assert said and "hush" not in said and "Traceback" not in said
