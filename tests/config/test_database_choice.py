"""Which database the settings name: a file, or one of a server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from chatroom.config import Settings, load
from chatroom.config.load import find_exposure, find_unsafe
from chatroom.database_address import ServerAddress
from chatroom.errors import ConfigError

URL = "postgresql://chat@h/chat"


def read(tmp_path: Path, text: str = "", environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
    """The settings of a file with a section of the database, of variables and of flags."""
    file = tmp_path / "chatroom.toml"
    file.write_text(f"[database]\n{text}\n")
    variables = {f"CHATROOM_DATABASE__{name}": value for name, value in (environ or {}).items()}
    return load(file, variables, {f"database.{name}": value for name, value in flags.items()})


def test_a_server_takes_the_place_of_the_file(tmp_path: Path) -> None:
    """Its password is in a file that is named relative to the configuration."""
    settings = read(tmp_path, f'url = "{URL}"\npassword_file = "secret"')
    assert settings.database.address == ServerAddress(URL, None, tmp_path / "secret")
    assert isinstance(read(tmp_path).database.address, Path)


def test_no_home_directory_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's database is not in it."""
    monkeypatch.setattr("chatroom.config.serving.default_database", lambda: pytest.fail("it was asked for"))
    assert str(read(tmp_path, f'url = "{URL}"').database.address) == URL


@pytest.mark.parametrize(
    "text, environ, flags, place",
    [
        ('path = "a.db"', {"URL": URL}, {}, URL),
        ('path = "a.db"', {}, {"url": ServerAddress(URL)}, URL),
        (f'url = "{URL}"', {"PATH": "/b.db"}, {}, "/b.db"),
        (f'url = "{URL}"', {}, {"path": Path("/c.db")}, "/c.db"),
        (f'url = "{URL}"', {"PATH": "/b.db"}, {"url": ServerAddress(f"{URL}2")}, f"{URL}2"),
        ("", {"URL": URL}, {"path": Path("/c.db")}, "/c.db"),
        ('path = "/a.db"', {"URL": ""}, {}, "/a.db"),
    ],
)
def test_a_flag_wins_over_a_variable_and_that_over_the_file(
    tmp_path: Path, text: str, environ: dict[str, str], flags: dict[str, object], place: str
) -> None:
    """Also if one names a file and the other a server."""
    assert str(read(tmp_path, text, environ, **flags).database.address) == place


@pytest.mark.parametrize("text, environ", [(f'path = "a.db"\nurl = "{URL}"', {}), ("", {"PATH": "/a.db", "URL": URL})])
def test_both_in_one_place_are_refused(tmp_path: Path, text: str, environ: dict[str, str]) -> None:
    """Nobody could tell which one is meant."""
    with pytest.raises(ConfigError, match="cannot both be set: remove one of them"):
        read(tmp_path, text, environ)


def test_a_password_in_the_url_is_not_shown(tmp_path: Path) -> None:
    """Neither in an error, nor in what the settings are."""
    with pytest.raises(
        ConfigError, match=r"database.url: the URL of a database must begin with postgresql://"
    ) as caught:
        read(tmp_path, 'url = "mysql://chat:hush@h/chat"')
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(read(tmp_path, 'url = "postgresql://chat:hush@h/chat"'))


def test_a_password_in_a_file_that_all_may_read_is_a_finding(tmp_path: Path) -> None:
    """As with any other secret of the settings."""
    file = tmp_path / "chatroom.toml"
    file.touch(0o644)
    file.chmod(0o644)
    assert find_exposure(read(tmp_path, f'url = "{URL}"')) is None
    finding = find_exposure(read(tmp_path, 'url = "postgresql://chat:hush@h/chat"'))
    assert finding is not None
    assert "every user of this machine can read database.url" in str(finding)
    file.chmod(0o640)
    assert find_exposure(read(tmp_path, 'url = "postgresql://chat:hush@h/chat"')) is None


@pytest.mark.parametrize(
    "url, is_exposed",
    [
        ("postgresql://chat@db.example/chat", True),
        ("postgresql://chat@192.0.2.1:5433/chat?sslmode=prefer", True),
        ("postgresql://chat@localhost,db.example/chat", True),
        ("postgresql://chat@db.example/chat?sslmode=verify-full", False),
        ("postgresql://chat@db.example/chat?sslmode=require", False),
        ("postgresql://chat@localhost:5433/chat", False),
        ("postgresql://chat@127.0.0.1,[::1]:5433/chat", False),
        ("postgresql:///chat?host=/run/postgresql", False),
        ("postgresql:///chat", False),
    ],
)
def test_a_network_without_tls_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, is_exposed: bool
) -> None:
    """A socket and loopback are not a network."""
    for variable in ("PGHOST", "PGSSLMODE"):
        monkeypatch.delenv(variable, raising=False)
    found = [str(one) for one in find_unsafe(read(tmp_path, f'url = "{url}"'))]
    assert any("may cross a network without TLS" in one for one in found) == is_exposed


def test_backups_that_nobody_makes_are_a_finding(tmp_path: Path) -> None:
    """They are PostgreSQL's."""
    settings = read(tmp_path, f'url = "{URL}"\n[backup]\nevery = "1d"')
    assert any("have pg_dump run there" in str(one) for one in find_unsafe(settings))
    assert not any("pg_dump" in str(one) for one in find_unsafe(read(tmp_path, '[backup]\nevery = "1d"')))
