"""What a chat on one more server begins with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatroom.client.address import Address
from chatroom.client.further_options import further_options
from chatroom.client.known_servers import KnownServers
from chatroom.client.options import Options
from chatroom.client.route import Route
from chatroom.client.settings.chat_settings import ChatSettings

SAVED = """\
[servers.work]
address = "ircs://irc.example.org"
account = "alice2"
join = ["#plans"]

[servers.odd]
address = "irc.example.org"
ca = "/nowhere/ca.pem"
"""


@pytest.fixture
def first(tmp_path: Path) -> Options:
    """The first chat's: alice, with her passwords, on another server."""
    file = tmp_path / "client.toml"
    file.write_text(SAVED)
    route = Route(Address("home", 6667), KnownServers(None), lambda: datetime.now(UTC))
    return Options(route, "alice", "alice", "secret", "secret too", ("#tea",), ChatSettings(file, file))


def test_an_address_brings_the_nick_along_and_no_password(first: Options) -> None:
    """The other server must not read what is for the first one."""
    found = further_options("chat.example.net:7000", first, "alice_")
    assert found.route.address == Address("chat.example.net", 7000)
    assert (found.nick, found.account, found.password, found.server_password) == ("alice_", "", "", "")
    assert found.join == ()
    assert found.settings is first.settings


def test_tokens_are_for_the_first_server_alone(first: Options) -> None:
    """An invite, and what sets a new password; a link brings its own."""
    found = further_options("chat.example.net", replace(first, invite="1-a", reset="2-b"), "alice")
    assert (found.invite, found.reset, found.asks_new_password) == ("", "", False)
    link = further_options("irc://chat.example.net/?account=bob&reset=2-c", replace(first, invite="1-a"), "alice")
    assert (link.nick, link.account, link.invite, link.reset, link.asks_new_password) == ("bob", "bob", "", "2-c", True)


def test_a_link_leads_to_its_channel(first: Options) -> None:
    """As on the command line."""
    found = further_options("ircs://chat.example.net/tea", first, "alice")
    assert found.route.address == Address("chat.example.net", 6697, tls=True)
    assert found.join == ("#tea",)


def test_a_saved_server_has_its_own_account_and_channels(first: Options) -> None:
    """Its password is asked for."""
    found = further_options("work", first, "alice_")
    assert found.route.address == Address("irc.example.org", 6697, tls=True)
    assert (found.nick, found.account, found.join) == ("alice2", "alice2", ("#plans",))
    assert found.asks_password


def test_what_is_wrong_is_said(first: Options) -> None:
    """No address, and a file that is not there."""
    with pytest.raises(ValueError, match="nor a saved server"):
        further_options("http://x", first, "alice")
    with pytest.raises(OSError, match="/nowhere/ca"):
        further_options("odd", first, "alice")
