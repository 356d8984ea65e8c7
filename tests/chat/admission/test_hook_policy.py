"""Which hooks can be made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.hook_policy import make_incoming, make_outgoing, nick_of
from chatroom.chat.stored.hook_records import NewHook
from chatroom.errors import InvalidName, InvalidValue
from chatroom.irc.names import is_nick, is_relayed_nick

URL = "https://example.org/a?b=c"


def test_without_events_a_hook_sends_messages() -> None:
    """Others are named, in any order and as often as one likes."""
    assert make_outgoing("#ops", URL) == NewHook("#ops", "", URL, ("message",))
    made = make_outgoing("#ops", URL, events=("topic", "join", "topic"), name="a note", hears_hooks=True)
    assert (made.events, made.name, made.hears_hooks, made.is_outgoing) == (("join", "topic"), "a note", True, True)
    with pytest.raises(InvalidValue, match="the events are message, notice"):
        make_outgoing("#ops", URL, events=("join", "jion"))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]/x", "https://hooks.lan", "HTTPS://example.org:443/%20?x#"]
)
def test_any_address_may_be_sent_to(url: str) -> None:
    """Also one of the own network: only an operator makes hooks."""
    assert make_outgoing("#ops", url).url == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "example.org",
            "ftp://example.org",
            "http://",
            "http:///x",
            "http://a:b/",
            "http://a:99999/",
            "http://[::1/",
            "http://a..b/",
            f"http://{'x' * 64}.example/",
        ),
        *(
            "http://me:secret@example.org",
            "http://example.org/a b",
            "http://exämple.org",
            "http://a/\n",
            "http://a/" + "x" * 1000,
        ),
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """One line says what is wrong with it."""
    with pytest.raises(InvalidValue, match="a hook's URL"):
        make_outgoing("#ops", url)


def test_conditions_are_of_messages() -> None:
    """A prefix or a mention needs messages or notices, and is short and printable."""
    assert make_outgoing("#ops", URL, events=("notice", "join"), prefix="!x", mention="bot").prefix == "!x"
    for wrong in ({"prefix": "!x", "events": ("join",)}, {"mention": "b" * 61}, {"prefix": "a\x02"}, {"name": "\n"}):
        with pytest.raises(InvalidValue):
            make_outgoing("#ops", URL, **wrong)


def test_a_hook_needs_a_channel() -> None:
    """A name without its sign is none."""
    with pytest.raises(InvalidName, match="'ops' is no valid channel name"):
        make_outgoing("ops", URL)
    with pytest.raises(InvalidName, match="'ops' is no valid channel name"):
        make_incoming("ops", "ci")


@given(st.text(max_size=70))
def test_the_nick_of_an_incoming_hook_is_nobodys(name: str) -> None:
    """Whatever the name, it is refused, or makes a nick that no user can have."""
    try:
        made = make_incoming("#ops", name)
    except InvalidName:
        return
    assert not made.is_outgoing
    assert is_relayed_nick(nick_of(name)) and not is_nick(nick_of(name))
