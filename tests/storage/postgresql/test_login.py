"""Where the password of a database comes from, and that it shows nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.postgresql_server import PostgresqlServer

from chatroom.database_address import ServerAddress
from chatroom.errors import StorageError
from chatroom.storage.postgresql.postgresql_stores import open_stores

pytestmark = pytest.mark.debian("postgres")

SECRET = "hush it's 100% /secret"


@pytest.fixture
def locked(postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerAddress]:
    """An empty database whose user needs a password. The address has none, and neither has the environment."""
    for variable in ("PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(variable, raising=False)
    empty = postgresql_server.make_database(empty=True)
    # A quote is doubled in SQL.
    yield postgresql_server.make_user(empty, SECRET.replace("'", "''"))
    postgresql_server.drop_database(empty)


def refusal(address: ServerAddress) -> str:
    """What is said if the login fails. Neither it nor what has caused it shows the password."""
    with pytest.raises(StorageError) as caught:
        open_stores(address, create=True)
    assert address.password is None or address.password not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_owner_of_an_empty_database_can_make_the_tables(locked: ServerAddress) -> None:
    """No further right is needed."""
    open_stores(replace(locked, password=SECRET), create=True).close()
    with open_stores(replace(locked, password=SECRET)) as stores:
        assert stores.accounts.list_all() == []


def test_it_is_found_where_the_library_looks(
    locked: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In PGPASSWORD, or in the file that PGPASSFILE names."""
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", SECRET)
        open_stores(locked, create=True).close()
    file = tmp_path / "pgpass"
    file.touch(0o600)
    file.write_text(f"*:*:*:*:{SECRET}\n")
    monkeypatch.setenv("PGPASSFILE", str(file))
    open_stores(locked).close()


def test_a_file_comes_before_all_else(locked: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the settings of a server say where its password is."""
    monkeypatch.setenv("PGPASSWORD", "another one")
    file = tmp_path / "password"
    file.write_text(f"\ufeff{SECRET}\r\nand more\n")  # a file from Windows begins with a byte order mark
    open_stores(replace(locked, password="a third", password_file=file), create=True).close()


def test_a_wrong_or_missing_one_is_told(locked: ServerAddress) -> None:
    """With the places that it can come from."""
    places = "PGPASSWORD, PGPASSFILE or database.password_file gives the password"
    assert refusal(locked).endswith(places)
    wrong = refusal(replace(locked, password="wrong hush"))
    assert "password authentication failed" in wrong and wrong.endswith(places)


def test_a_user_without_rights_is_told(locked: ServerAddress, postgresql_server: PostgresqlServer) -> None:
    """The tables are another user's."""
    other = postgresql_server.make_database()
    name = other.url.partition("@/")[2].partition("?")[0]
    own = locked.url.partition("@/")[2].partition("?")[0]
    said = refusal(ServerAddress(locked.url.replace(f"/{own}?", f"/{name}?"), SECRET))
    assert "make it the owner of the database" in said
    postgresql_server.drop_database(other)


@pytest.mark.parametrize("host", ["db..example.org", f"{'x' * 64}.example.org"])
def test_a_host_that_is_no_name(host: str) -> None:
    """DNS has no empty parts, and none of more than 63 bytes: Python says so by an error of its own."""
    assert "the server has no valid host name" in refusal(ServerAddress(f"postgresql://chat@{host}/chat"))


def test_a_url_that_is_not_unicode() -> None:
    """Its library reads the escapes."""
    assert "not a URL that PostgreSQL understands" in refusal(ServerAddress("postgresql://chat@db.example.org/%ff"))
