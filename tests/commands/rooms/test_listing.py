from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.irc.message import parse


@pytest.fixture
def rooms(make_here: Callable[..., Here]) -> Here:
    """Channels that differ in age, members and topic: #old (41 minutes, 1 member), #mid (21 minutes, 2), #new (3)."""
    here = make_here(channels={"autojoin": ()})
    alice, bob, carl = (here.connect(nick) for nick in ("alice", "bob", "carl"))
    alice.say("JOIN #old")
    here.wait(20 * 60)
    alice.say("JOIN #mid", "TOPIC #mid :Tea")
    bob.say("JOIN #mid")
    here.wait(20 * 60)
    for client in (alice, bob, carl):
        client.say("JOIN #new")
    alice.say("TOPIC #new :News")
    here.wait(60)
    here.forget_unread()
    return here


def listed(here: Here, line: str) -> list[str]:
    """The channels in carl's answer to a LIST line."""
    sent = [parse(answer) for answer in here.clients[3].ask(line)]
    assert [sent[0].verb, sent[-1].verb] == ["321", "323"]
    return [message.params[1] for message in sent[1:-1]]


def test_a_list_shows_name_members_and_topic(rooms: Here) -> None:
    """One 322 for each channel, between 321 and 323."""
    assert rooms.clients[3].ask("LIST") == [
        f":{SERVER} 321 carl Channel :Users  Name",
        f":{SERVER} 322 carl #old 1 :",
        f":{SERVER} 322 carl #mid 2 :Tea",
        f":{SERVER} 322 carl #new 3 :News",
        f":{SERVER} 323 carl :End of LIST",
    ]


@pytest.mark.parametrize(
    "conditions,expected",
    [
        (">1", ["#mid", "#new"]),
        (">2", ["#new"]),
        ("<2", ["#old"]),
        (">1,<3", ["#mid"]),
        ("C<30", ["#mid", "#new"]),
        ("c>30", ["#old"]),
        ("C<0", []),
        ("T<10", ["#new"]),
        ("t>10", ["#mid"]),
        ("T>30", []),
        ("*e*", ["#new"]),
        ("#?I?", ["#mid"]),
        ("!*e*", ["#old", "#mid"]),
        ("!*e*,!*l*", ["#mid"]),
        ("#old,*n*", ["#old", "#new"]),
        ("#NEW,#none,#old", ["#new", "#old"]),
        ("#new,#old <2", ["#old"]),
        ("* >1", ["#mid", "#new"]),
        ("#*,<3,C<30", ["#mid"]),
        ("#none", []),
        (">x", []),
    ],
)
def test_conditions_choose_the_channels(rooms: Here, conditions: str, expected: list[str]) -> None:
    """A channel must meet all ELIST conditions, and one of several names or masks."""
    assert listed(rooms, f"LIST {conditions}") == expected


def test_secret_channels_are_listed_to_their_members(rooms: Here) -> None:
    """Only members and moderators see a secret channel in a list, even if the list names it."""
    rooms.clients[1].say("MODE #old +s", "MODE #new +s")
    mo = rooms.moderator()
    assert listed(rooms, "LIST") == ["#mid", "#new"]
    assert listed(rooms, "LIST #old,#new") == ["#new"]
    assert verbs(mo.ask("LIST")).count("322") == 3


def test_a_list_too_long_for_the_send_queue_is_cut(rooms: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list shows the largest channels and says that there are more: no LIST costs the connection (SAFELIST)."""
    monkeypatch.setattr("chatroom.commands.context.Context.most_replies", 2)
    sent = rooms.clients[3].ask("LIST")
    assert [parse(line).params[1] for line in sent if parse(line).verb == "322"] == ["#new", "#mid"]
    assert verbs(sent)[-2:] == ["323", "NOTICE"]
    assert "2 largest of 3" in sent[-1]
