"""Spam filters in all other texts that users show to others: topics, reasons, away messages, names."""

from __future__ import annotations

import pytest
from harness.filters import add_filter
from harness.session_client import Client
from harness.world import Here, params_of, verbs

from chatroom.chat.stored.records import FilterAction


@pytest.fixture
def two(here: Here) -> tuple[Client, Client]:
    """Alice, who operates a channel, and Bob in it, with a filter for spam."""
    add_filter(here, "spam", reason="no spam")
    alice, bob = here.connect("alice", address="192.0.2.1", caps="setname draft/metadata-2"), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    here.forget_unread()
    return alice, bob


def test_a_topic_is_refused(two: tuple[Client, Client], here: Here) -> None:
    """It stays as it was."""
    alice, bob = two
    assert params_of(alice.ask("TOPIC #a :spam"), "404")[1:] == ["#a", "no spam"]
    assert here.channel("#a").topic == ""
    assert verbs(alice.ask("TOPIC #a :ham")) == ["TOPIC"]
    assert verbs(bob.read()) == ["TOPIC"]


def test_reasons_are_left_out(two: tuple[Client, Client], here: Here) -> None:
    """Of PART, KICK, RENAME, REDACT and QUIT. What they do is done."""
    alice, bob = two
    carl = here.connect("carl")
    carl.say("JOIN #a")
    here.forget_unread()
    alice.say("KICK #a carl :spam", "KICK #a bob :ham")
    assert [line.split(" ", 1)[1] for line in carl.read()] == ["KICK #a carl :alice"]
    assert [line.split(" ", 1)[1] for line in bob.read()] == ["KICK #a carl :alice", "KICK #a bob :ham"]
    bob.say("JOIN #a")
    bob.read()
    alice.say("RENAME #a #b :spam")
    assert "spam" not in " ".join(bob.read())
    alice.say("PART #b :spam")
    assert bob.read() == [f":{alice.prefix} PART #b"]
    alice.say("JOIN #b")
    bob.read()
    prefix = alice.prefix
    alice.say("QUIT :spam")
    assert bob.read() == [f":{prefix} QUIT :Quit: "]


def test_away_real_names_and_knocks_are_refused(two: tuple[Client, Client], here: Here) -> None:
    """They stay as they were."""
    alice, bob = two
    assert params_of(alice.ask("AWAY :spam"), "FAIL") == ["AWAY", "CANNOT_SEND", "no spam"]
    assert params_of(alice.ask("SETNAME :Spam Ltd"), "FAIL") == ["SETNAME", "CANNOT_CHANGE_REALNAME", "no spam"]
    assert (alice.user.away, alice.user.realname) == (None, "Real Name")
    bob.say("JOIN #shut", "MODE #shut +i")
    bob.read()
    assert params_of(alice.ask("KNOCK #shut :spam"), "480")[1:] == ["#shut", "Cannot knock on channel: no spam"]
    assert bob.read() == []


def test_metadata_is_refused(here: Here) -> None:
    """Of oneself and of a channel: clients show it."""
    add_filter(here, "spam", reason="no spam")
    alice = here.connect("alice", caps="draft/metadata-3")
    alice.say("JOIN #a")
    for target in ("*", "#a"):
        answer = alice.ask(f"METADATA {target} SET display-name :Spam Ltd")
        assert params_of(answer, "FAIL") == ["METADATA", "INVALID_VALUE", "display-name", "no spam"]
    assert alice.user.metadata == {}


def test_a_nick_is_refused(two: tuple[Client, Client], here: Here) -> None:
    """Also if it only looks so. A guest with a refused nick keeps the old one."""
    alice, bob = two
    for nick in ("spammer", "SPAM", "sраm"):
        assert params_of(alice.ask(f"NICK {nick}"), "432")[1:] == [nick, "no spam"]
    assert alice.user.nick == "alice"
    assert bob.read() == []
    mo = here.moderator()
    assert verbs(mo.ask("NICK spamfighter")) == ["NICK"]


@pytest.mark.parametrize("nick, realname", [("spammer", "Al"), ("al", "Buy spam")])
@pytest.mark.parametrize("action", ["refuse", "mute", "kick", "ban"])
def test_names_are_judged_at_the_door(here: Here, nick: str, realname: str, action: FilterAction) -> None:
    """Whatever the action is, the session is closed; a ban keeps its address away."""
    add_filter(here, "spam", action, "no spam")
    client = here.open("192.0.2.1")
    lines = client.ask(f"NICK {nick}", f"USER al 0 * :{realname}")
    assert verbs(lines) == ["465", "ERROR"]
    assert params_of(lines, "465")[-1].startswith("You may not enter: no spam")
    assert client.closed and here.world.find_user(nick) is None
    assert here.world.spam.unsaved == {1: 1}
    bans = here.stores.bans.list_in_force(here.now)
    assert [ban.target for ban in bans] == (["192.0.2.1"] if action == "ban" else [])


def test_names_of_moderators_are_not_judged_at_the_door(here: Here) -> None:
    """By their account, which is known by then."""
    add_filter(here, "spam", "ban")
    assert not here.moderator("mo", realname="Spam department").closed
    una = here.open()
    here.account("una")
    assert verbs(una.ask("PASS :una:open sesame", "NICK una", "USER u 0 * :spam"))[-1] == "ERROR"
    assert [ban.target for ban in here.stores.bans.list_in_force(here.now)] == ["una"]
    assert not here.connect("spamalot", login="mo").closed


def test_an_away_text_before_the_welcome_is_judged(here: Here) -> None:
    """IRCv3 draft/pre-away."""
    add_filter(here, "spam", reason="no spam")
    client = here.open()
    client.say("CAP REQ draft/pre-away")
    assert params_of(client.ask("AWAY :spam"), "FAIL") == ["AWAY", "CANNOT_SEND", "no spam"]
    assert "filter 1 (refuse) has matched a text of * from 10.0.0.1" in here.world.log_lines


@pytest.mark.parametrize("action", ["kick", "ban"])
@pytest.mark.parametrize("line", ["PART #a :spam", "TOPIC #a :spam", "KICK #a bob :spam", "NICK spammer", "AWAY :spam"])
def test_every_text_has_its_consequence(
    two: tuple[Client, Client], here: Here, action: FilterAction, line: str
) -> None:
    """The verb goes on with its user, who is disconnected behind it."""
    alice, _ = two
    add_filter(here, "spam", action, "no spam")
    alice.say(line)
    assert alice.closed
    assert len(here.stores.bans.list_in_force(here.now)) == (action == "ban")
