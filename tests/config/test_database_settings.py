"""The settings of the database: a file or a server, of several sources, and where its password is."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.config import Settings, find_changes, find_unsafe, load
from chatroom.config.load import find_exposure
from chatroom.database_address import ServerAddress
from chatroom.errors import ConfigError

URL = "postgresql://chat@db.example/chat"
WITH_PASSWORD = "postgresql://chat:hunter2@db.example/chat"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration file of the test."""
    return tmp_path / "chatroom.toml"


def set_up(file: Path, *lines: str, environ: dict[str, str] | None = None, flag: object = None) -> Settings:
    """Load a file with these lines in its section. ``flag`` is the address of ``--database``."""
    file.write_text("\n".join(["[database]", *lines]))
    name = "database.url" if isinstance(flag, ServerAddress) else "database.path"
    return load(file, environ or {}, {name: flag})


def test_a_url_stands_for_the_path(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no path beside it, and so no home directory is needed for the default one."""
    monkeypatch.setattr("chatroom.config.serving.default_database", lambda: pytest.fail("not asked for"))
    settings = set_up(file, f'url = "{URL}"')
    assert settings.database.address == ServerAddress(URL)


def test_the_file_of_the_password_lies_beside_the_configuration(file: Path) -> None:
    """As every relative path of the file."""
    found = set_up(file, f'url = "{URL}"', 'password_file = "secret"').database.address
    assert found == ServerAddress(URL, None, file.parent / "secret")


@pytest.mark.parametrize(
    "lines, said",
    [
        ((f'url = "{URL}"', 'path = "chat.db"'), "database.path and database.url cannot both be set"),
        (('password_file = "x"',), "database.password_file is set, and database.url is not"),
        (('path = "chat.db"', 'password_file = "x"'), "database.password_file is set, and database.url is not"),
        ((f'url = "{WITH_PASSWORD}"', 'password_file = "x"'), "database.url has a password"),
        (('url = "mysql://chat:hunter2@h/c"',), "database.url: the URL of a database must begin with postgresql://"),
        (('url = "postgresql://chat:a/hunter2@h/c"',), "database.url: the URL of the database cannot be read"),
        ((f'path = "{WITH_PASSWORD}"',), "database.path: this is no path; the address of a server"),
        (('path = "host=h password=hunter2"',), "database.path: this is no path; the address of a server"),
        (("url = 5",), "database.url must be the URL of a PostgreSQL database"),
    ],
)
def test_what_contradicts_is_refused_in_one_line(file: Path, lines: tuple[str, ...], said: str) -> None:
    """It names the file and the keys, and no password."""
    with pytest.raises(ConfigError) as caught:
        set_up(file, *lines)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_source_overrides_both_of_the_one_below(file: Path) -> None:
    """The environment's path stands for the file's URL, and the flag's URL for both; and the other way round."""
    with_url = f'url = "{URL}"', 'password_file = "secret"'
    other = ServerAddress("postgresql://other/chat")
    by_path = set_up(file, *with_url, environ={"CHATROOM_DATABASE__PATH": "/chat.db"})
    assert by_path.database.address == Path("/chat.db")
    assert by_path.key_sources == {"database.path": "CHATROOM_DATABASE__PATH"}
    assert set_up(file, *with_url, flag=Path("/chat.db")).database.address == Path("/chat.db")
    both = {"CHATROOM_DATABASE__PATH": "/chat.db"}
    assert set_up(file, *with_url, environ=both, flag=other).database.address == other
    by_url = set_up(file, 'path = "chat.db"', environ={"CHATROOM_DATABASE__URL": WITH_PASSWORD})
    assert by_url.database.address == ServerAddress(URL, "hunter2")
    assert by_url.key_sources == {"database.url": "CHATROOM_DATABASE__URL"}
    assert set_up(file, *with_url[:1], environ={"CHATROOM_DATABASE__URL": ""}).database.url is None
    with pytest.raises(ConfigError, match="cannot both be set"):
        set_up(file, environ={"CHATROOM_DATABASE__URL": URL, **both})


def test_the_password_of_one_server_goes_to_no_other(file: Path) -> None:
    """With --database the file of the password does not count: it is that of the configured server."""
    other = ServerAddress("postgresql://other/chat")
    settings = set_up(file, f'url = "{URL}"', 'password_file = "secret"', flag=other)
    assert (settings.database.address, settings.database.password_file) == (other, None)


def test_a_password_is_nowhere_to_be_seen(file: Path) -> None:
    """It is in no representation of the settings, and not in what a reload tells."""
    settings = set_up(file, f'url = "{WITH_PASSWORD}"')
    assert settings.database.address == ServerAddress(URL, "hunter2")
    assert "hunter2" not in repr(settings) + str(settings.database.address)
    (change,) = find_changes(set_up(file, f'url = "{WITH_PASSWORD.replace("hunter2", "hunter3")}"'), settings)
    assert (change.key.path, change.before, change.after) == ("database.url", *[f"{URL[:17]}:********{URL[17:]}"] * 2)


def test_a_url_with_a_password_that_all_can_read(file: Path) -> None:
    """It is a finding, as any other password in the file. Without one the file may be read."""
    settings = set_up(file, f'url = "{WITH_PASSWORD}"')
    file.chmod(0o644)
    finding = find_exposure(settings)
    assert finding is not None and "database.url" in str(finding) and "hunter2" not in str(finding)
    file.chmod(0o640)
    assert find_exposure(settings) is None
    file.chmod(0o644)
    assert find_exposure(set_up(file, f'url = "{URL}"')) is None
    assert find_exposure(set_up(file, environ={"CHATROOM_DATABASE__URL": WITH_PASSWORD})) is None


def test_a_password_file_that_all_can_read(file: Path) -> None:
    """It is a finding too. A missing one is none: connecting tells."""
    settings = set_up(file, f'url = "{URL}?sslmode=require"', 'password_file = "secret"')
    assert find_unsafe(settings) == []
    secret = file.parent / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o644)
    (finding,) = find_unsafe(settings)
    assert str(secret) in str(finding) and f"chmod o= {secret}" in str(finding)
    secret.chmod(0o640)
    assert find_unsafe(settings) == []


def test_the_log_is_not_the_file_of_the_password(file: Path) -> None:
    """It would be lost."""
    with pytest.raises(ConfigError, match=r"log\.file must be a file of its own"):
        set_up(file, f'url = "{URL}"', 'password_file = "secret"', "[log]", 'file = "secret"')
