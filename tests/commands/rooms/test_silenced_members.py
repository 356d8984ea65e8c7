"""What users who may not speak in a channel cannot say there by other verbs."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import Here, verbs

from chatroom.chat.people.channel import FLAG_MODES
from chatroom.commands.context import Context
from chatroom.commands.talking.messages import may_tell


@pytest.fixture(params=["+m", "+b eve!*@*", "+b ~m:eve!*@*", "+U"])
def room(here: Here, request: pytest.FixtureRequest) -> tuple[Client, Client]:
    """An operator and eve, who may not speak in #a (or is heard by operators only), with bob, who listens."""
    mo, eve = here.connect("mo"), here.connect("eve")
    mo.say("JOIN #a")
    eve.say("JOIN #a", "JOIN #free")
    mo.say(f"MODE #a {request.param}")
    bob = here.connect("bob")
    bob.say("JOIN #a", "JOIN #free")
    for client in (mo, eve, bob):
        client.read()
    return eve, bob


@pytest.mark.parametrize("line", ["PART #a :let me just say", "JOIN 0", "QUIT :let me just say"])
def test_the_reason_of_leaving_is_dropped(room: tuple[Client, Client], line: str) -> None:
    """PART and QUIT are told without the words."""
    eve, bob = room
    eve.say(line)
    told = bob.read()
    assert any(line.split()[0] in one or "PART" in one for one in told)
    assert not any("let me just say" in one for one in told)


@pytest.mark.parametrize("flag", FLAG_MODES)
def test_each_mode_that_restrains_members_is_known_as_one(here: Here, flag: str) -> None:
    """Verbs that ask first if anything can restrain a member refuse the same as those that ask for each rule."""
    eve = here.connect("eve")
    eve.say("JOIN #a", "MODE #a -o eve")
    channel = here.world.channels["#a"]
    channel.flags = frozenset(flag)
    context = Context(here.world, eve.session, "QUIT")
    may_tell_all = all(may_tell(context, channel, text) for text in ("bye", "\x01VERSION\x01"))
    assert channel.restrains_members == (not may_tell_all)


def test_a_topic_cannot_say_it_either(here: Here) -> None:
    """Without mode t any member sets the topic, but not with words that could not be said."""
    mo, eve = here.connect("mo"), here.connect("eve")
    mo.say("JOIN #a")
    eve.say("JOIN #a")
    mo.say("MODE #a -t+m")
    eve.read()
    assert verbs(eve.ask("TOPIC #a :let me just say")) == ["404"]


def test_a_reason_is_told_if_the_user_may_speak(here: Here) -> None:
    """A voice lifts +m."""
    mo, eve = here.connect("mo"), here.connect("eve")
    mo.say("JOIN #a")
    eve.say("JOIN #a")
    mo.say("MODE #a +mv eve")
    mo.read()
    eve.say("PART #a :so long")
    assert any("so long" in one for one in mo.read())


@pytest.mark.parametrize("ban", ["eve!*@*", "~m:eve!*@*"])
def test_a_banned_member_keeps_the_nick(here: Here, ban: str) -> None:
    """Another nick would undo a ban or mute of the nick. Outside the channel the nick is free again."""
    mo, eve = here.connect("mo"), here.connect("eve")
    mo.say("JOIN #a")
    eve.say("JOIN #a")
    mo.say(f"MODE #a +b {ban}")
    eve.read()
    told = eve.ask("NICK mallory")
    assert verbs(told) == ["437"]
    assert " #a " in told[0]
    eve.say("PART #a")
    eve.read()
    assert verbs(eve.ask("NICK mallory")) == ["NICK"]


def test_a_moderator_does_not_kick_an_admin_by_the_role_alone(here: Here) -> None:
    """A channel's operator may kick anyone there; the role of a moderator ranks below an admin."""
    ada, mona = here.admin(), here.moderator("mona")
    ada.say("JOIN #a")
    mona.say("JOIN #a")
    ada.read(), mona.read()
    assert verbs(mona.ask("KICK #a ada")) == ["482"]
    ada.say("MODE #a +o mona")
    mona.read()
    assert verbs(mona.ask("KICK #a ada")) == ["KICK"]
