from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs

from chatroom.commands.presence import metadata_push
from chatroom.irc.message import parse

CAPS = "batch draft/metadata-3"


def pushed(lines: list[str]) -> list[str]:
    """The values (761) among some lines, without tags."""
    return [line[line.index(":") :] for line in lines if parse(line).verb == "761"]


@pytest.fixture
def author(here: Here) -> Client:
    """A guest in #a with a status, in a channel that has a url."""
    client = here.connect("author")
    client.say("JOIN #a", "METADATA * SET status :here", "METADATA #a SET url :x")
    return client


def test_a_join_without_subscriptions_sends_no_metadata(here: Here, author: Client) -> None:
    """The capability alone is no subscription, and there is no empty batch."""
    assert "BATCH" not in verbs(here.connect("bob", caps=CAPS).ask("JOIN #a"))


def test_a_join_sends_the_subscribed_keys_only(here: Here, author: Client) -> None:
    """A session reads the keys it subscribed to, of the channel and of its members."""
    bob = here.connect("bob", caps=CAPS)
    bob.say("METADATA * SUB status other")
    assert pushed(bob.ask("JOIN #a")) == [f":{SERVER} 761 bob author status * :here"]


@pytest.mark.parametrize("members, verb", [(2, "761"), (3, "774")])
def test_the_largest_channel_with_metadata_at_once(
    here: Here, author: Client, monkeypatch: pytest.MonkeyPatch, members: int, verb: str
) -> None:
    """Up to ``SYNC_VALUES`` values the metadata follows the JOIN; with more, 774 asks the client to send SYNC."""
    monkeypatch.setattr(metadata_push, "SYNC_VALUES", 2)
    for number in range(members - 2):
        here.connect(f"filler{number}").say("JOIN #a")
    bob = here.connect("bob", caps=CAPS)
    bob.say("METADATA * SUB status")
    bob.read()
    sent = verbs(bob.ask("JOIN #a"))
    assert {"761", "774"} & set(sent) == {verb}
    assert len(here.channel("#a").members) == members


def test_774_says_when_to_ask(here: Here, author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """774 names the channel and the seconds to wait before SYNC."""
    monkeypatch.setattr(metadata_push, "SYNC_VALUES", 0)
    bob = here.connect("bob", caps=CAPS)
    bob.say("METADATA * SUB url")
    bob.read()
    assert params_of(bob.ask("JOIN #a"), "774")[:-1] == ["bob", "#a", "2"]


def test_members_read_of_a_new_member(here: Here, author: Client) -> None:
    """A member reads the keys it subscribed to; a member without subscriptions reads none."""
    bob, silent = here.connect("bob", caps=CAPS), here.connect("silent", caps=CAPS)
    bob.say("METADATA * SUB status", "JOIN #b")
    silent.say("JOIN #b")
    here.forget_unread()
    author.say("JOIN #b")
    assert pushed(bob.read()) == [f":{SERVER} 761 bob author status * :here"]
    assert pushed(silent.read()) == []


def test_other_sessions_of_a_new_member_are_members_too(here: Here) -> None:
    """Another session of the user reads the metadata; the session that sent JOIN has it in its own batch, once."""
    here.account("una")
    phone, laptop = (here.connect("una", login="una", caps=CAPS) for _ in range(2))
    for client in (phone, laptop):
        client.say("METADATA * SUB status")
    phone.say("METADATA * SET status :here")
    here.forget_unread()
    line = f":{SERVER} 761 una una status * :here"
    assert pushed(phone.ask("JOIN #a")) == [line]
    assert pushed(laptop.read()) == [line]


def test_the_welcome_without_the_capability_has_no_metadata(here: Here) -> None:
    """A session that does not know metadata reads none, although its account has some."""
    una = here.member()
    una.say("METADATA * SET status :here")
    second = here.open()
    sent = second.ask("PASS :una:open sesame", "NICK una", "USER una 0 * :Una")
    assert "001" in verbs(sent)
    assert pushed(sent) == []
