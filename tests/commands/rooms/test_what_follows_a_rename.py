"""What is kept under a channel's name follows RENAME: read markers, and what accounts and guests have missed."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import Here

from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.irc.message import parse

FIRST, SECOND = "timestamp=2022-01-04T14:33:26.000Z", "timestamp=2022-01-05T14:33:26.000Z"


def said(lines: list[str]) -> list[str]:
    """The texts of the messages among some lines."""
    return [message.params[-1] for message in map(parse, lines) if message.verb == "PRIVMSG"]


def marker(client: Client, name: str) -> str:
    """The read marker of a channel, as MARKREAD tells it."""
    [line] = client.ask(f"MARKREAD {name}")
    return parse(line).params[-1]


@pytest.mark.parametrize("is_guest", [False, True], ids=["account", "guest"])
def test_a_read_marker_follows(here: Here, is_guest: bool) -> None:
    """It stands under the new name. What stood there was of an earlier channel, and is gone, as the old name's is."""
    here.moderator("mo").say("JOIN #old")
    reader = here.connect("guest") if is_guest else here.member("una")
    reader.say(f"MARKREAD #old {FIRST}", f"MARKREAD #new {SECOND}", f"MARKREAD #other {SECOND}")
    here.clients[1].say("RENAME #old #New")
    assert [marker(reader, name) for name in ("#new", "#old", "#other")] == [FIRST, "*", SECOND]


def test_a_read_marker_of_an_account_that_is_away_follows(here: Here) -> None:
    """The stored markers move too: those of accounts without a user, and those that a restart loads."""
    una = here.member("una")
    una.say(f"MARKREAD #old {FIRST}", f"MARKREAD #new {SECOND}", "QUIT")
    bob = here.member("bob")
    bob.say(f"MARKREAD #new {SECOND}", "JOIN #old", "RENAME #old #new")
    assert marker(here.connect("una", login="una"), "#new") == FIRST
    here.restart()
    for name, wanted in (("una", FIRST), ("bob", "*")):
        again = here.connect(name, login=name)
        assert (marker(again, "#new"), marker(again, "#old")) == (wanted, "*")


def test_a_read_marker_follows_that_is_just_being_loaded(here: Here) -> None:
    """A worker has read the account's data, and the channel is renamed before the session that waits for it goes on."""
    una = here.account("una")
    here.stores.account_data.set_marker(una.id, "#old", 7)
    bob = here.connect("bob")
    bob.say("JOIN #old")
    context = Context(here.world, bob.session, "TEST")

    def then(context: Context) -> None:
        assert context.world.online.account_data[una.id].markers == {"#new": 7}

    pending = with_account_data(context, una, then)
    assert pending is not None and pending.job is not None
    loaded = pending.job(here.stores)
    bob.say("RENAME #old #new")
    again: Pending | None = pending.then(context, loaded)
    assert again is not None and again.job is not None
    again.then(context, again.job(here.stores))


def test_an_account_is_shown_what_it_missed_under_the_old_name(keeping: Here) -> None:
    """It left the channel before it was renamed; what was said after that is new to it, before and after the RENAME."""
    una, bob = keeping.member("una", caps="server-time"), keeping.member("bob")
    bob.say("JOIN #old")
    una.say("JOIN #old", "PRIVMSG #old :read", "PART #old")
    bob.say("PRIVMSG #old :missed", "RENAME #old #new", "PRIVMSG #new :missed too")
    assert said(una.ask("JOIN #new")) == ["missed", "missed too"]


def test_a_guests_channel_follows_too(keeping: Here) -> None:
    """It is not stored, but what an account has read and missed of it is."""
    guest, una = keeping.connect("guest"), keeping.member("una", caps="server-time")
    guest.say("JOIN #old")
    una.say(f"MARKREAD #old {FIRST}", "JOIN #old", "PRIVMSG #old :read", "PART #old")
    guest.say("PRIVMSG #old :missed", "RENAME #old #new")
    assert said(una.ask("JOIN #new")) == ["missed"]
    una.say("QUIT")
    assert marker(keeping.connect("una", login="una"), "#new") == FIRST


def test_where_an_account_left_an_earlier_channel_of_the_name_is_forgotten(keeping: Here) -> None:
    """The account was never in the renamed channel: it is shown the last messages, like all that come first."""
    una, bob, zoe = keeping.member("una", caps="server-time"), keeping.member("bob"), keeping.connect("zoe")
    bob.say("JOIN #old", "PRIVMSG #old :said before")
    zoe.say("JOIN #new")
    una.say("JOIN #new", "PART #new")
    zoe.say("PART #new")
    bob.say("RENAME #old #new")
    assert said(una.ask("JOIN #new")) == ["said before"]


@pytest.mark.parametrize("login", [None, "una"], ids=["guest", "account"])
def test_a_replay_under_way_is_of_the_renamed_channel(keeping: Here, login: str | None) -> None:
    """The channel gets another name while a worker is about to read it: the session misses nothing."""
    bob = keeping.member("bob")
    bob.say("JOIN #old", "PRIVMSG #old :missed")
    keeping.account("una")
    una = keeping.connect(login or "guest", login=login, caps="server-time")
    keeping.holding = True
    una.say("JOIN #old", "PING :done")
    bob.say("RENAME #old #new")
    bob.say("PRIVMSG #new :said meanwhile")
    keeping.holding = False
    keeping.release()
    lines = una.read()
    assert said(lines) == ["missed", "said meanwhile"]
    assert lines[-1].endswith(" PONG chatroom.local :done")


@pytest.mark.parametrize("question", ["SEARCH text=needle", "CHATHISTORY TARGETS {} {} 9"])
def test_a_question_about_all_channels_finds_one_that_is_renamed_meanwhile(keeping: Here, question: str) -> None:
    """It was asked under the old name, and the worker reads when the history has the new one."""
    bob = keeping.member("bob", caps="batch draft/chathistory soju.im/search")
    ada = keeping.admin("ada")
    bob.say("JOIN #old", "PRIVMSG #old :a needle")
    bob.read()
    keeping.holding = True
    bob.say(question.format("timestamp=2020-01-01T00:00:00.000Z", "timestamp=2040-01-01T00:00:00.000Z"))
    ada.say("RENAME #old #new")
    keeping.holding = False
    keeping.release()
    assert sum((" #new " in line and "needle" in line) or " TARGETS #new " in line for line in bob.read()) == 1


def test_another_case_of_the_name_is_still_the_same_history(keeping: Here) -> None:
    """A question that waits while the name changes its case is answered."""
    bob = keeping.member("bob", caps="batch draft/chathistory draft/channel-rename")
    ada = keeping.admin("ada")
    bob.say("JOIN #tea", "PRIVMSG #tea :hi")
    bob.read()
    keeping.holding = True
    bob.say("CHATHISTORY LATEST #tea * 9")
    ada.say("RENAME #tea #Tea")
    keeping.holding = False
    keeping.release()
    assert said(bob.read()) == ["hi"]
