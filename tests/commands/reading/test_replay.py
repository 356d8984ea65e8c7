"""The replay of missed messages: after the JOIN, and before what the channel says and what the client asks next."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import PASSWORD, Here, verbs

from chatroom.irc.message import parse


def said(lines: list[str]) -> list[str]:
    """The last parameters of some lines: the texts of messages."""
    return [parse(line).params[-1] for line in lines]


@pytest.mark.parametrize("channels", ["#a", "#a,#b"])
def test_lines_after_a_join_are_answered_after_the_replay(keeping: Here, channels: str) -> None:
    """The next line waits for the whole JOIN. So its PONG tells the client that all missed messages are there."""
    alice, bob = keeping.member("alice"), keeping.connect("bob", caps="server-time")
    alice.say(f"JOIN {channels}", "PRIVMSG #a :missed")
    bob.read()
    keeping.holding = True
    bob.say(f"JOIN {channels}", "PING :1", "PRIVMSG #a :mine")
    alice.say("PRIVMSG #a :meanwhile")
    assert "PONG" not in verbs(bob.read())
    alice.read()
    keeping.holding = False
    keeping.release()
    assert said(bob.read()) == ["missed", "meanwhile", "1"]
    assert said(alice.read()) == ["mine"]
    assert said(bob.ask("PING :2")) == ["2"]


def test_another_device_reads_its_own_line_behind_what_was_said_before(keeping: Here) -> None:
    """It comes in with the one that joins, and its next line waits for its replay, too."""
    alice, una = keeping.member("alice"), keeping.member("una")
    other = keeping.connect("una", login="una", caps="echo-message")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    other.read()
    keeping.holding = True
    una.say("JOIN #a")
    alice.say("PRIVMSG #a :meanwhile")
    other.say("PRIVMSG #a :mine")
    keeping.holding = False
    keeping.release()
    read = [parse(line) for line in other.read()]
    texts = [line.params[-1].rpartition("] ")[2] for line in read if line.verb == "PRIVMSG"]
    assert texts == ["missed", "meanwhile", "mine"]


def test_a_user_kicked_during_a_replay_goes_on(keeping: Here) -> None:
    """The user is shown nothing more of the channel, and its next line is answered."""
    alice, bob = keeping.member("alice"), keeping.connect("bob")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    keeping.holding = True
    bob.say("JOIN #a", "PING :1")
    alice.say("KICK #a bob")
    keeping.holding = False
    bob.read()
    keeping.release()
    assert said(bob.read()) == ["1"]


def test_a_session_that_ends_during_its_replay_is_sent_nothing(keeping: Here) -> None:
    """The replay ends without an error."""
    alice, bob = keeping.member("alice"), keeping.connect("bob")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    keeping.holding = True
    bob.say("JOIN #a", "PING :1")
    bob.vanish()
    bob.read()
    keeping.holding = False
    keeping.release()
    assert bob.read() == [] and verbs(alice.read())[-1] == "QUIT"


def test_one_of_two_sessions_ends_during_its_replay(keeping: Here) -> None:
    """No queue is left, and nothing comes behind the session's last line. The other session goes on."""
    una, other, alice = keeping.member("una"), keeping.connect("una", login="una"), keeping.connect("alice")
    keeping.holding = True
    una.say("JOIN #a")
    other.say("QUIT")
    alice.say("JOIN #a", "PRIVMSG #a :meanwhile")
    keeping.holding = False
    keeping.release()
    assert verbs(other.read())[-1] == "ERROR"
    assert said(una.read())[-1] == "meanwhile"


def test_a_labelled_join_is_answered_before_the_replay(keeping: Here) -> None:
    """The replay is no part of the batch with the label."""
    alice, bob = keeping.member("alice"), keeping.connect("bob", caps="labeled-response batch server-time")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    bob.read()
    sent = bob.ask("@label=x JOIN #a", "PING :1")
    assert verbs(sent) == ["BATCH", "JOIN", "353", "366", "BATCH", "BATCH", "PRIVMSG", "BATCH", "PONG"]


@pytest.mark.parametrize("login", [None, "bob"])
def test_the_replay_of_the_configured_channels_ends(make_here: Callable[..., Here], login: str | None) -> None:
    """A user that connected can speak afterwards, as a guest and with an account."""
    here = make_here(keeping=True)
    if login is not None:
        here.account(login)
    here.connect("alice").say("PRIVMSG #lobby :missed")
    bob = here.connect("bob", login=login)
    assert said(bob.ask("PING :1")) == ["1"]


@pytest.mark.parametrize("line", ["PART #a", "JOIN #c", "CAP REQ :message-tags"])
def test_a_queued_message_is_read_once(keeping: Here, line: str) -> None:
    """Also if another session leaves, joins or negotiates in the tick in which it was said."""
    alice = keeping.member("alice")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    keeping.account("vic")
    vic, other = keeping.connect("vic", login="vic"), keeping.connect("vic", login="vic")
    keeping.holding = True
    vic.say("JOIN #a")
    with keeping.tick():
        alice.say("PRIVMSG #a :meanwhile")
        other.say(line)
    keeping.holding = False
    keeping.release()
    for device in (vic, other):
        told = [text for text in device.read() if "meanwhile" in text or "PART" in text]
        assert len(told) == len(set(told)) == (2 if line.startswith("PART") else 1)


def test_an_event_that_is_read_directly_is_not_queued(keeping: Here) -> None:
    """A user's own new nick, and a change of a watched user, are read at once and not again after the replay."""
    una = keeping.member("una", caps="away-notify")
    other = keeping.connect("una", login="una", caps="draft/chathistory")  # asks itself, and so waits for no replay
    alice, carol = keeping.member("alice"), keeping.connect("carol", caps="away-notify extended-monitor")
    carol.say("MONITOR + alice")
    alice.say("JOIN #a")
    keeping.forget_unread()
    keeping.holding = True
    una.say("JOIN #a")
    carol.say("JOIN #a")
    assert len(keeping.world.outbox.replays.by_channel[keeping.channel("#a")]) == 2
    other.say("AWAY :later", "NICK una2")
    alice.say("AWAY :gone")
    keeping.holding = False
    keeping.release()
    assert verbs(una.read()) == ["JOIN", "353", "366", "AWAY", "NICK", "JOIN", "AWAY"]
    assert [line.rpartition(":")[2] for line in carol.read() if " AWAY " in line] == ["gone", "later"]


def test_a_channel_that_is_not_stored_has_no_replay_for_guests(keeping: Here) -> None:
    """A guest that joins it later is shown nothing and waits for nothing."""
    alice, bob = keeping.connect("alice"), keeping.connect("bob")
    alice.say("JOIN #den", "PRIVMSG #den :before")
    bob.read()
    keeping.holding = True
    assert verbs(bob.ask("JOIN #den", "PING :1")) == ["JOIN", "353", "366", "PONG"]


def test_mode_h_has_no_replay(keeping: Here) -> None:
    """A channel with hidden history hides it at a JOIN too."""
    alice, bob = keeping.member("alice"), keeping.connect("bob")
    alice.say("JOIN #a", "MODE #a +H", "PRIVMSG #a :before")
    bob.read()
    assert verbs(bob.ask("JOIN #a", "PING :1")) == ["JOIN", "353", "366", "PONG"]


def test_the_first_login_shows_the_direct_messages(keeping: Here) -> None:
    """An account made from the shell can get messages before its first login."""
    una = keeping.member("una")
    keeping.account("vic")
    una.say("PRIVMSG vic :welcome")
    vic = keeping.open()
    vic.say("CAP REQ :server-time", f"PASS :{PASSWORD}", "NICK vic", "USER v 0 * :V", "CAP END")
    told = [parse(line) for line in vic.read()]
    assert [line.params for line in told if line.verb == "PRIVMSG"] == [["vic", "welcome"]]


@pytest.mark.parametrize("is_killed", [False, True])
def test_messages_missed_over_a_restart_are_shown(keeping: Here, is_killed: bool) -> None:
    """Whether the user had left before the restart or was connected until then."""
    keeping.account("vic")
    una = keeping.member("una")
    una.say("JOIN #x")
    vic = keeping.connect("vic", login="vic")
    vic.say("JOIN #x")
    if not is_killed:
        vic.say("QUIT")
        una.say("PRIVMSG #x :missed", "PRIVMSG vic :for you")
    else:
        una.say("PRIVMSG #x :read")
    keeping.restart()
    if is_killed:
        una = keeping.connect("una", login="una")
        una.say("JOIN #x", "PRIVMSG #x :missed", "PRIVMSG vic :for you")
    vic = keeping.open()
    vic.say("CAP REQ :server-time", f"PASS :{PASSWORD}", "NICK vic", "USER v 0 * :V", "CAP END", "JOIN #x")
    told = [parse(line) for line in vic.read()]
    assert sorted(line.params[-1] for line in told if line.verb == "PRIVMSG") == ["for you", "missed"]
