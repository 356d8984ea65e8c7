"""Links to a server, as people and invites write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.address import parse_address
from chatroom.client.server_link import ServerLink, split_link


@pytest.mark.parametrize(
    "text, link",
    [
        ("irc://chat.example/tea?invite=1-a_B-c", ServerLink("irc://chat.example", "#tea", "1-a_B-c")),
        ("ircs://chat.example:7000/%23tea", ServerLink("ircs://chat.example:7000", "#tea")),
        ("ircs://chat.example:7000/#tea", ServerLink("ircs://chat.example:7000", "#tea")),
        ("irc://chat.example/%26local?x=y&invite=1-a", ServerLink("irc://chat.example", "&local", "1-a")),
        ("irc://chat.example/%23%23tea", ServerLink("irc://chat.example", "##tea")),
        ("irc://chat.example/t%2F%C3%A9%3F", ServerLink("irc://chat.example", "#t/é?")),
        ("IRC://[::1]:7000/?invite=1-a", ServerLink("IRC://[::1]:7000", "", "1-a")),
        ("irc://chat.example?invite=1-a", ServerLink("irc://chat.example", "", "1-a")),
        ("irc://chat.example/tea,tee", ServerLink("irc://chat.example", "#tea")),
        ("irc://h/?account=bob%5B&reset=1-a", ServerLink("irc://h", "", "", "bob[", "1-a")),
        ("irc://h/?reset=1-a", ServerLink("irc://h")),
        ("irc://chat.example/", ServerLink("irc://chat.example")),
        ("chat.example:7000", ServerLink("chat.example:7000")),
        ("work", ServerLink("work")),
        ("", ServerLink("")),
    ],
)
def test_links(text: str, link: ServerLink) -> None:
    """The server, the channel with its sign, and the token. What is no link is a server."""
    assert split_link(text) == link


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_any_text_behind_a_server_leaves_the_server(text: str) -> None:
    """Whatever stands there."""
    link = split_link(f"irc://chat.example:7000/{text}")
    assert parse_address(link.server).port == 7000
    assert link.channel[:1] in ("", "#", "&")
