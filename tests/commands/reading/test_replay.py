"""What somebody missed, shown at their JOIN: in its place between the JOIN and whatever comes after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import PASSWORD, Here, verbs

from chatroom.irc.message import parse


def said(lines: list[str]) -> list[str]:
    """The last parameters of some lines, which is what was said in them."""
    return [parse(line).params[-1] for line in lines]


@pytest.mark.parametrize("channels", ["#a", "#a,#b"])
def test_what_is_said_after_a_join_is_answered_behind_what_was_missed(keeping: Here, channels: str) -> None:
    """The next line waits for the whole JOIN, and with it everything said meanwhile: a PONG says that all is there."""
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


def test_who_is_kicked_before_it_was_shown_goes_on(keeping: Here) -> None:
    """Nothing is shown to them any more, and their next line is answered."""
    alice, bob = keeping.member("alice"), keeping.connect("bob")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    keeping.holding = True
    bob.say("JOIN #a", "PING :1")
    alice.say("KICK #a bob")
    keeping.holding = False
    bob.read()
    keeping.release()
    assert said(bob.read()) == ["1"]


def test_who_leaves_before_it_was_shown_is_gone(keeping: Here) -> None:
    """A connection that ends meanwhile is nobody to go on with."""
    alice, bob = keeping.member("alice"), keeping.connect("bob")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    keeping.holding = True
    bob.say("JOIN #a", "PING :1")
    bob.vanish()
    bob.read()
    keeping.holding = False
    keeping.release()
    assert bob.read() == [] and verbs(alice.read())[-1] == "QUIT"


def test_a_device_that_goes_before_it_was_shown_leaves_nothing_behind(keeping: Here) -> None:
    """Nothing waits for it any more, nor is said to it behind its last line; the other device goes on."""
    una, other, alice = keeping.member("una"), keeping.connect("una", login="una"), keeping.connect("alice")
    keeping.holding = True
    una.say("JOIN #a")
    other.say("QUIT")
    alice.say("JOIN #a", "PRIVMSG #a :meanwhile")
    keeping.holding = False
    keeping.release()
    assert verbs(other.read())[-1] == "ERROR"
    assert said(una.read())[-1] == "meanwhile"


def test_a_labelled_join_is_answered_before_what_was_missed(keeping: Here) -> None:
    """The batch of its label is whole, the replay is none of it."""
    alice, bob = keeping.member("alice"), keeping.connect("bob", caps="labeled-response batch server-time")
    alice.say("JOIN #a", "PRIVMSG #a :missed")
    bob.read()
    sent = bob.ask("@label=x JOIN #a", "PING :1")
    assert verbs(sent) == ["BATCH", "JOIN", "353", "366", "BATCH", "BATCH", "PRIVMSG", "BATCH", "PONG"]


@pytest.mark.parametrize("login", [None, "bob"])
def test_coming_into_the_configured_channels_ends_too(make_here: Callable[..., Here], login: str | None) -> None:
    """Who lands in channels by connecting can speak afterwards, guest and account alike."""
    here = make_here(keeping=True)
    if login is not None:
        here.account(login)
    here.connect("alice").say("PRIVMSG #lobby :missed")
    bob = here.connect("bob", login=login)
    assert said(bob.ask("PING :1")) == ["1"]


@pytest.mark.parametrize("line", ["PART #a", "JOIN #c", "CAP REQ :message-tags"])
def test_what_waits_behind_a_replay_is_read_once(keeping: Here, line: str) -> None:
    """Also where another device leaves, or goes elsewhere, in the tick in which it was said."""
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


def test_what_reaches_somebody_another_way_does_not_wait_behind_a_replay_too(keeping: Here) -> None:
    """One's own new nick, and what one watches for, are read at once; not a second time when the channel goes on."""
    una, other = keeping.member("una", caps="away-notify"), keeping.connect("una", login="una")
    alice, carol = keeping.member("alice"), keeping.connect("carol", caps="away-notify extended-monitor")
    carol.say("MONITOR + alice")
    alice.say("JOIN #a")
    keeping.forget_unread()
    keeping.holding = True
    una.say("JOIN #a")
    carol.say("JOIN #a")
    assert len(keeping.world.outbox.replays.by_channel[keeping.channel("#a")]) == 3
    other.say("AWAY :later", "NICK una2")
    alice.say("AWAY :gone")
    keeping.holding = False
    keeping.release()
    assert verbs(una.read()) == ["JOIN", "353", "366", "AWAY", "NICK", "JOIN", "AWAY"]
    assert [line.rpartition(":")[2] for line in carol.read() if " AWAY " in line] == ["gone", "later"]


def test_a_channel_of_guests_is_of_the_moment(keeping: Here) -> None:
    """Who joins it later is shown nothing of before, and waits for nothing."""
    alice, bob = keeping.connect("alice"), keeping.connect("bob")
    alice.say("JOIN #den", "PRIVMSG #den :before")
    bob.read()
    keeping.holding = True
    assert verbs(bob.ask("JOIN #den", "PING :1")) == ["JOIN", "353", "366", "PONG"]


def test_mode_h_shows_nothing_of_before(keeping: Here) -> None:
    """A channel that hides its past hides it from a JOIN too."""
    alice, bob = keeping.member("alice"), keeping.connect("bob")
    alice.say("JOIN #a", "MODE #a +H", "PRIVMSG #a :before")
    bob.read()
    assert verbs(bob.ask("JOIN #a", "PING :1")) == ["JOIN", "353", "366", "PONG"]


def test_who_comes_for_the_first_time_reads_what_was_written_to_them(keeping: Here) -> None:
    """An account that was made for somebody can be written to before they ever came."""
    una = keeping.member("una")
    keeping.account("vic")
    una.say("PRIVMSG vic :welcome")
    vic = keeping.open()
    vic.say("CAP REQ :server-time", f"PASS :{PASSWORD}", "NICK vic", "USER v 0 * :V", "CAP END")
    told = [parse(line) for line in vic.read()]
    assert [line.params for line in told if line.verb == "PRIVMSG"] == [["vic", "welcome"]]


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_was_missed_over_a_restart_is_shown(keeping: Here, is_killed: bool) -> None:
    """Also where nothing at all was said between somebody's coming and going, and whether they had left before."""
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
