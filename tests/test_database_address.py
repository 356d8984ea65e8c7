from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.database_address import ServerAddress, is_server_url, parse_server_url
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


@pytest.mark.parametrize("text", ["mysql://h/c:hush", "postgresql://[hush", "postgresql://h/c?sslpassword=hush"])
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
