"""A secret channel cannot be probed from outside: every verb answers as if it were not there."""

from __future__ import annotations

import pytest
from harness.world import Here, verbs

PROBES = [
    "MODE {}",
    "MODE {} b",
    "MODE {} +m",
    "TOPIC {}",
    "TOPIC {} :new",
    "INVITE bob {}",
    "KNOCK {}",
    "PART {}",
    "KICK {} mo",
    "RENAME {} #other",
    "PRIVMSG {} :hello",
    "PRIVMSG @{} :hello",
    "TAGMSG {}",
    "NAMES {}",
    "WHO {}",
    "LIST {}",
    "CBAN {}",
    "RELAYMSG {} a/b :hello",
    "CHATHISTORY LATEST {} * 10",
    "METADATA {} LIST",
]


@pytest.fixture
def secret(here: Here) -> Here:
    """A world with a secret channel, which its founder is in."""
    here.connect("mo").say("JOIN #hidden", "MODE #hidden +sk key", "TOPIC #hidden :plans")
    return here


@pytest.mark.parametrize("probe", PROBES)
def test_a_secret_channel_answers_as_none(secret: Here, probe: str) -> None:
    """The answers for a secret channel and for none differ in nothing but the name."""
    eve = secret.connect("eve", caps="message-tags batch draft/chathistory draft/metadata-3 draft/relaymsg")
    secret.connect("bob")

    def answers(name: str) -> list[str]:
        told = eve.ask(probe.format(name))
        return [line.partition(":chatroom.local ")[2].replace(name, "NAME") or line for line in told]

    hidden, none = answers("#hidden"), answers("#nothing")
    assert verbs(hidden) == verbs(none)
    assert hidden == none


def test_an_invitation_shows_the_channel(secret: Here) -> None:
    """An invited user may look before joining."""
    eve = secret.connect("eve")
    mo = secret.world.find_user("mo")
    assert mo is not None
    secret.clients[1].say("INVITE eve #hidden")
    eve.read()
    assert verbs(eve.ask("TOPIC #hidden")) == ["332", "333"]


def test_moderators_see_it(secret: Here) -> None:
    """Whoever may enter every channel may also see it."""
    assert verbs(secret.moderator("mona").ask("TOPIC #hidden")) == ["332", "333"]
