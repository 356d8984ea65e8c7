"""What an invite may say, and its link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.world import change_settings, make_settings

from chatroom.chat.admission.invite_rules import (
    LONGEST_S,
    make_invite,
    make_link,
    make_page_link,
    page_address,
    public_address,
)
from chatroom.chat.stored.invite_records import MOST_USES
from chatroom.config.serving import Listen
from chatroom.errors import InvalidName, InvalidValue


def listening(*tables: dict[str, Any]) -> str:
    """The address of a server that listens there."""
    settings = change_settings(make_settings(), server={"name": "chat.example.org"})
    object.__setattr__(settings, "listen", tuple(Listen(**table) for table in tables))
    return public_address(settings)


def test_an_invite_has_bounds() -> None:
    """Uses, time and the channel's name are checked."""
    assert make_invite(MOST_USES, LONGEST_S, "#tea") == (MOST_USES, LONGEST_S, "#tea")
    for uses, duration_s in ((0, 60), (MOST_USES + 1, 60), (1, LONGEST_S + 1)):
        with pytest.raises(InvalidValue):
            make_invite(uses, duration_s, "")
    with pytest.raises(InvalidName):
        make_invite(1, 60, "tea")


@pytest.mark.parametrize(
    "tables, address",
    [
        ([{"host": "127.0.0.1"}], "irc://127.0.0.1"),
        ([{"host": "0.0.0.0", "port": 7000}], "irc://chat.example.org:7000"),
        ([{"host": "192.0.2.1"}, {"host": "::", "port": 6697, "tls": True}], "ircs://chat.example.org"),
        ([{"host": "2001:db8::1", "port": 7000, "tls": True}], "ircs://[2001:db8::1]:7000"),
        ([{"host": "0.0.0.0", "port": 0}], "irc://chat.example.org"),
        ([{"kind": "websocket", "host": "0.0.0.0", "port": 443, "tls": True}], "ircs://chat.example.org"),
    ],
)
def test_the_address_is_that_of_a_listener(tables: list[dict[str, Any]], address: str) -> None:
    """One with TLS comes first. A usual port is left out, and all addresses together have the server's name."""
    assert listening(*tables) == address


def test_the_operator_may_name_the_address() -> None:
    """Behind a proxy only the operator knows it."""
    settings = make_settings(server={"public_address": "ircs://chat.example.org:6699"})
    assert make_link(settings, "1-abc", "") == "ircs://chat.example.org:6699/?invite=1-abc"


@pytest.mark.parametrize(
    "channel, path", [("#tea", "tea"), ("&tea", "%26tea"), ("##tea", "%23%23tea"), ("#t/é?", "t%2F%C3%A9%3F")]
)
def test_a_link_has_the_channel(channel: str, path: str) -> None:
    """Without its one hash, and with what is no letter of an address in escapes."""
    settings = make_settings(server={"public_address": "irc://chat.example.org"})
    assert make_link(settings, "1-abc", channel) == f"irc://chat.example.org/{path}?invite=1-abc"


@pytest.mark.parametrize(
    "server, tables, address",
    [
        ({}, [{"host": "0.0.0.0"}], ""),
        ({}, [{"kind": "websocket", "host": "0.0.0.0", "port": 8097, "webroot": Path("/srv/chat")}], ""),
        ({}, [{"kind": "websocket", "host": "192.0.2.1", "port": 80, "webroot": "default"}], "http://192.0.2.1"),
        (
            {"public_address": "ircs://irc.example.org:7000"},
            [
                {"kind": "websocket", "port": 8097, "webroot": "default"},
                {"kind": "websocket", "host": "::", "port": 8443, "webroot": "default", "tls": True},
            ],
            "https://irc.example.org:8443",
        ),
        ({"page_address": "https://chat.example.org/chat/"}, [{}], "https://chat.example.org/chat"),
    ],
)
def test_the_page_has_an_address(server: dict[str, Any], tables: list[dict[str, Any]], address: str) -> None:
    """That of the operator, else of a listener with our page, one with TLS first; other web clients know no invites."""
    settings = change_settings(make_settings(), server={"name": "chat.example.org", **server})
    object.__setattr__(settings, "listen", tuple(Listen(**table) for table in tables))
    assert page_address(settings) == address
    link = make_page_link(settings, "1-abc", "#tea")
    assert link == (f"{address}/#/join?channel=%23tea&invite=1-abc" if address else "")
    assert make_page_link(settings, "1-abc", "") == link.replace("channel=%23tea&", "")
