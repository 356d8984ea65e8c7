"""The state of a connection: messages in, events out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import (
    Denied,
    Event,
    Info,
    Invited,
    Joined,
    Kicked,
    Left,
    Members,
    ModeChanged,
    Renamed,
    Said,
    TopicChanged,
)
from chatroom.client.chat_state import _HANDLERS, State
from chatroom.client.text import clean_message
from chatroom.irc.message import parse

LOBBY = (
    ":alice!a@h JOIN #lobby",
    ":srv 353 alice = #lobby :@bob alice",
    ":srv 353 alice = #lobby :+carol",
    ":srv 366 alice #lobby :End of names",
)


def here(*lines: str) -> State:
    """The state of alice in #lobby with bob and carol, after ``lines``."""
    state = State()
    state.reset("alice", {"server-time"})
    feed(state, *LOBBY, *lines)
    return state


def feed(state: State, *lines: str) -> list[Event]:
    """The events of these lines."""
    return [event for line in lines for event in state.feed(clean_message(parse(line)))]


def members(state: State, name: str = "#lobby") -> list[str]:
    """The members of a channel with their signs."""
    channel = state.find_channel(name)
    assert channel is not None
    return sorted(channel.prefixes.get(folded, "") + nick for folded, nick in channel.members.items())


def test_joining_a_channel_gathers_its_members() -> None:
    """A JOIN of the user and the NAMES replies after it make a channel with its members, operators first."""
    state = State()
    state.reset("alice", set())
    assert feed(state, *LOBBY) == [
        Joined("alice", "#lobby", mine=True),
        Members("#lobby", ("@bob", "+carol", "alice"), asked=False),
    ]
    assert members(state) == ["+carol", "@bob", "alice"]
    assert feed(state, *LOBBY[1:]) == [Members("#lobby", ("@bob", "+carol", "alice"), asked=True)]


@pytest.mark.parametrize(
    "line, event",
    [
        (":bob!b@h PRIVMSG #lobby :hi", Said("#lobby", "bob", "hi")),
        (":bob!b@h PRIVMSG alice :psst", Said("bob", "bob", "psst")),
        (":alice!a@h PRIVMSG bob :psst", Said("bob", "alice", "psst", mine=True)),
        (":bob!b@h PRIVMSG @#lobby :ops only", Said("#lobby", "bob", "ops only")),
        (":bob!b@h PRIVMSG #lobby :\x01ACTION waves\x01", Said("#lobby", "bob", "waves", "action")),
        (":bob!b@h NOTICE #lobby :careful", Said("#lobby", "bob", "careful", "notice")),
        (":srv NOTICE alice :restart at noon", Info("restart at noon")),
        (":srv NOTICE #lobby :restart at noon", Info("restart at noon", "#lobby")),
        (":dave!d@h JOIN #lobby", Joined("dave", "#lobby")),
        (":dave!d@h JOIN #lobby dave :Dave D", Joined("dave", "#lobby")),
        (":bob!b@h PART #lobby :bye", Left("bob", ("#lobby",), "bye")),
        (":bob!b@h QUIT :Quit: bye", Left("bob", ("#lobby",), "Quit: bye")),
        (":alice!a@h PART #lobby", Left("alice", ("#lobby",), mine=True)),
        (":bob!b@h KICK #lobby carol :spam", Kicked("carol", "#lobby", "bob", "spam")),
        (":bob!b@h KICK #lobby Alice :spam", Kicked("Alice", "#lobby", "bob", "spam", mine=True)),
        (":bob!b@h NICK bobby", Renamed("bob", "bobby", channels=("#lobby",))),
        (":alice!a@h NICK al", Renamed("alice", "al", mine=True, channels=("#lobby",))),
        (":bob!b@h TOPIC #lobby :tea", TopicChanged("#lobby", "tea", "bob")),
        (":bob!b@h MODE #lobby +o carol", ModeChanged("#lobby", "bob", "+o", ("carol",))),
        (":bob!b@h INVITE alice #ops", Invited("alice", "#ops", "bob", mine=True)),
        (":srv NOTE UBAN ADDED bob :bob is banned until noon.", Info("bob is banned until noon.")),
        (":srv FAIL UBAN NO_SUCH_BAN bob :There is no ban on bob.", Denied("There is no ban on bob.")),
        (
            ":srv FAIL UBAN NEEDS_FORCE :127.0.0.1 covers this machine: say UBAN ADD FORCE 127.0.0.1 to do it",
            Denied("127.0.0.1 covers this machine: say /ban --force 127.0.0.1 to do it"),
        ),
        (":srv WARN UBAN WOULD_HIT 10.0.0.0/8 :Hits 9 people.", Info("Hits 9 people.")),
        (":srv REGISTER SUCCESS alice :You are registered.", Info("You are registered.")),
        ("@time=2026-11-22T10:00:00.000Z :bob!b@h PRIVMSG #lobby :hi",
         Said("#lobby", "bob", "hi", at=datetime(2026, 11, 22, 10, tzinfo=UTC))),
    ],
)  # fmt: skip
def test_what_others_do(line: str, event: Event) -> None:
    """Each of these lines is one event."""
    assert feed(here(), line) == [event]


@pytest.mark.parametrize(
    "line",
    [
        ":bob!b@h PRIVMSG alice :\x01VERSION\x01",
        ":bob!b@h CHGHOST b host",
        ":bob!b@h TAGMSG #lobby",
        ":srv 004 alice srv 1 io bnt",
        ":srv 329 alice #lobby 1234",
        ":srv BATCH +1 chathistory",
        "PONG srv",
        ":srv PRIVMSG alice",
    ],
)
def test_what_is_not_worth_a_line(line: str) -> None:
    """Lines that mean nothing to a user are not shown."""
    assert feed(here(), line) == []


def test_coming_and_going_keeps_the_members_right() -> None:
    """Joins, parts, quits, kicks and renames change the members and keep their signs."""
    state = here(":dave!d@h JOIN #lobby", ":bob!b@h NICK Robert", ":carol!c@h QUIT :x")
    assert members(state) == ["@Robert", "alice", "dave"]
    feed(state, ":Robert!b@h KICK #lobby dave", ":Robert!b@h PART #lobby")
    assert members(state) == ["alice"]


def test_modes_change_prefixes() -> None:
    """MODE gives and takes operator and voice; parameters of other modes are not taken for nicks."""
    state = here(":bob!b@h MODE #lobby +klb-v+o key 10 *!*@bad carol alice")
    assert members(state) == ["@alice", "@bob", "carol"]
    feed(state, ":bob!b@h MODE #lobby -l+v-o carol alice")
    assert members(state) == ["+carol", "@bob", "alice"]


def test_being_put_out_forgets_the_channel() -> None:
    """After a kick or a part of the user the channel is forgotten."""
    for line in (":bob!b@h KICK #lobby alice", ":alice!a@h PART #lobby"):
        assert here(line).channels == {}


def test_a_quit_lists_the_channels_shared() -> None:
    """A QUIT is one event with all channels shared with that user."""
    state = here(":alice!a@h JOIN #ops", ":bob!b@h JOIN #ops")
    assert feed(state, ":bob!b@h QUIT :x") == [Left("bob", ("#lobby", "#ops"), "x")]


def test_our_own_name_is_followed() -> None:
    """After a NICK of the user, the nick and the length of the source are the new ones."""
    state = here()
    assert state.source_bytes == len("alice!a@h")
    feed(state, ":alice!a@h NICK al")
    assert state.is_me("AL")
    assert state.source_bytes == len("al!a@h")


def test_names_compare_as_the_server_says() -> None:
    """Names are compared in ASCII unless the server announces the mapping of RFC 1459."""
    state = here()
    assert state.fold("[Bob]") == "[bob]"
    feed(state, ":srv 005 alice CASEMAPPING=rfc1459 CHANTYPES=#& PREFIX=(qo)~@ :are supported")
    assert state.fold("[Bob]") == "{bob}"
    assert state.is_channel("&local")


def test_topics_away_and_channels_seen() -> None:
    """Replies about topics, being away and channels change the state and are shown."""
    state = here()
    assert feed(state, ":srv 332 alice #lobby :tea at four") == [Info("The topic of #lobby: tea at four")]
    channel = state.find_channel("#LOBBY")
    assert channel is not None
    assert channel.topic == "tea at four"
    feed(state, ":srv 306 alice :away", ":srv 322 alice #Garden 3 :flowers")
    assert state.away
    assert state.seen_channels["#garden"] == "#Garden"
    feed(state, ":srv 305 alice :back")
    assert not state.away


def test_an_empty_list_is_told() -> None:
    """An empty answer to WHO or LIST is a line, instead of nothing at all."""
    state = here()
    assert feed(state, ":srv 323 alice :End") == [Info("There are no channels to show.")]
    assert len(feed(state, ":srv 322 alice #tea 1 :", ":srv 323 alice :End")) == 1
    assert feed(state, ":srv 315 alice zoe :End") == [Info("No user matches zoe.")]
    lines = feed(state, ":srv 352 alice #lobby b h srv bob H :0 Bob", ":srv 315 alice #lobby :End")
    assert len(lines) == 1


def test_capabilities_come_and_go() -> None:
    """CAP ACK and DEL after the welcome change the capabilities."""
    state = here(":srv CAP alice ACK :batch", ":srv CAP alice DEL :server-time")
    assert state.caps == {"batch"}


@given(
    st.sampled_from([*_HANDLERS, "322", "352", "317", "433", "401", "999", "FOO"]),
    st.lists(
        st.sampled_from(["alice", "bob", "#lobby", "*", "+o-v", "", ":", "LS", "99999999999999999999", "a b", "\x01"])
    ),
    st.sampled_from(["", ":srv ", ":alice!a@h ", ":bob!b@h "]),
)
def test_no_line_breaks_it(verb: str, params: list[str], source: str) -> None:
    """Any line, with too few or too many parameters, is handled without an exception."""
    state = here()
    feed(state, f"{source}{' '.join([verb, *params])}")


def test_a_labelled_answer_to_nick_is_of_the_user() -> None:
    """InspIRCd 3 names the new nick as its source. Without the label it is somebody else, who changes nothing."""
    state = here()
    assert feed(state, "@label=3 :al!a@h NICK al") == [Renamed("alice", "al", mine=True, channels=("#lobby",))]
    assert state.nick == "al"
    assert feed(state, ":dave!d@h NICK dave") == [Renamed("dave", "dave")]
    assert state.nick == "al"
