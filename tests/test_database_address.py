from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.database_address import ServerAddress, find_address, is_server_url, parse_server_url
from chatroom.errors import ConfigError


@pytest.mark.parametrize(
    "text, url, password",
    [
        ("postgresql://chat@db.example/chat", "postgresql://chat@db.example/chat", None),
        ("postgresql://chat:hush@db.example:5433/chat", "postgresql://chat@db.example:5433/chat", "hush"),
        ("postgres://chat:h%40sh%2F@[::1]/chat", "postgres://chat@[::1]/chat", "h@sh/"),
        ("postgresql://chat:a:b@h/c", "postgresql://chat@h/c", "a:b"),
        ("postgresql:///chat?host=/run/postgresql", "postgresql:///chat?host=/run/postgresql", None),
        ("postgresql://", "postgresql://", None),
        ("postgresql:///chat?password=hush&host=/run/pg", "postgresql:///chat?host=/run/pg", "hush"),
        (
            "postgresql://chat:hush@a:1,b:2/chat?sslmode=require",
            "postgresql://chat@a:1,b:2/chat?sslmode=require",
            "hush",
        ),
        ("postgresql://chat:@h/chat", "postgresql://chat@h/chat", None),
        ("postgresql://h/c?options=-csearch_path%3Dother", "postgresql://h/c?options=-csearch_path%3Dother", None),
    ],
)
def test_the_password_is_apart(text: str, url: str, password: str | None) -> None:
    """It is in neither the text nor the representation of an address."""
    address = parse_server_url(text)
    assert (address.url, address.password) == (url, password)
    assert str(address) == url
    assert password is None or password not in repr(address).replace(url, "")


@pytest.mark.parametrize(
    "text",
    [
        "mysql://h/c:hush",
        "postgresql://[hush",
        "postgresql://h/c?sslpassword=hush",
        "postgresql://u:a/hush@h/c",
        "postgresql://u:a?hush@h/c",
        "postgresql://u:a#hush@h/c",
        "postgresql://u:hush@h/c\n",
        "postgresql://u:hush @h/c",
    ],
)
def test_a_refusal_does_not_repeat_the_url(text: str) -> None:
    """There may be a password in it."""
    with pytest.raises(ConfigError, match=r"URL of (a|the) database") as caught:
        parse_server_url(text)
    assert "hush" not in str(caught.value)


def test_a_path_is_no_url() -> None:
    """Whatever it is called."""
    assert is_server_url("postgresql://h") and is_server_url("postgres:///chat")
    assert not any(map(is_server_url, ["/var/lib/chat.db", "postgresql", "postgresql:chat.db", "chat://x", ""]))


def test_the_file_of_a_password_is_kept_apart() -> None:
    """It is read when a connection is made."""
    assert parse_server_url("postgresql://h/c", Path("/etc/secret")) == ServerAddress(
        "postgresql://h/c", None, Path("/etc/secret")
    )


@pytest.mark.parametrize(
    "text, masked",
    [
        ("postgresql://chat:hush@a:1,b:2/c?sslmode=require", "postgresql://chat:********@a:1,b:2/c?sslmode=require"),
        ("postgresql://h/c?password=hush", "postgresql://:********@h/c"),
        ("postgresql:///c?host=/run/pg&password=hush", "postgresql://:********@/c?host=/run/pg"),
        ("postgresql://chat:hush@", "postgresql://chat:********@"),
        ("postgresql://chat@h/c", "postgresql://chat@h/c"),
    ],
)
def test_a_mask_says_that_there_is_a_password(text: str, masked: str) -> None:
    """Whoever reads a setting sees that the URL has one, and not which."""
    assert parse_server_url(text).masked == masked


@pytest.mark.parametrize(
    "text, place",
    [
        ("postgresql://chat:hush@DB.example/chat", "db.example:5432/chat?"),
        ("postgres://alice@db.example:5432/chat?sslmode=require", "db.example:5432/chat?"),
        ("postgresql://db.example:5433/Chat", "db.example:5433/Chat?"),
        ("postgresql://[::1]/chat", "[::1]:5432/chat?"),
        ("postgresql://[::1]:5433/chat", "[::1]:5433/chat?"),
        ("postgresql://a:1,b:2/chat", "a:1,b:2/chat?"),
        ("postgresql:///chat?host=%2Frun%2Fpg&port=5433", "/run/pg:5433/chat?"),
        ("postgresql://%2Frun%2Fpg:5433/chat", "/run/pg:5433/chat?"),
        ("postgresql://alice@h", "h:5432/alice?"),
        ("postgresql://h/chat?options=-csearch_path%3Dother", "h:5432/chat?-csearch_path=other"),
        ("postgresql:///", "from-environment:7/carol?"),
    ],
)
def test_the_place_is_the_same_for_all_who_log_in(text: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a daemon is found by it, whoever asks and whatever the URL leaves out."""
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    if text.endswith("///"):
        monkeypatch.setenv("PGHOST", "from-environment")
        monkeypatch.setenv("PGPORT", "7")
        monkeypatch.setenv("PGUSER", "carol")
    assert parse_server_url(text).place == place


def test_an_address_is_a_path_or_the_url_of_a_server() -> None:
    """No other URL becomes the path of a file."""
    assert find_address("/var/lib/chat.db") == Path("/var/lib/chat.db")
    assert find_address("postgresql://h/c") == ServerAddress("postgresql://h/c")
    with pytest.raises(ConfigError, match="must begin with postgresql://"):
        find_address("sqlite:///chat.db")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql:chat:hush@db/chat",
        "Postgres:chat:hush@db/chat",
        "host=db password=hush",
        "user=chat password = hush dbname=chat",
        "dbname=chat\npassword=hush",
    ],
)
def test_what_names_a_server_in_another_way_is_no_path(text: str) -> None:
    """As a path, it would be shown in errors, with its password, and a database would be made there."""
    with pytest.raises(ConfigError, match="is the path of a file, or a URL: ") as caught:
        find_address(text)
    assert "hush" not in str(caught.value)
