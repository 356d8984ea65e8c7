from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.irc.limits import MONITORED_NICKS
from chatroom.irc.message import parse


def test_added_nicks_are_answered_with_their_status(here: Here) -> None:
    """730 lists connected users with their prefixes, 731 the other nicks as given."""
    alice, bob = here.connect("alice"), here.connect("bob")
    assert alice.ask("MONITOR + BOB,carl,Dora") == [
        f":{SERVER} 730 alice :{bob.prefix}",
        f":{SERVER} 731 alice :carl,Dora",
    ]
    assert alice.ask("MONITOR + bob") == []
    assert alice.ask("MONITOR S") == [f":{SERVER} 730 alice :{bob.prefix}", f":{SERVER} 731 alice :carl,Dora"]
    assert alice.ask("monitor l") == [
        f":{SERVER} 732 alice :BOB,carl,Dora",
        f":{SERVER} 733 alice :End of MONITOR list",
    ]


def test_connecting_and_leaving_is_told(here: Here) -> None:
    """730 and 731 tell of connecting, leaving and nick changes, but not of a new case of the same nick."""
    alice = here.connect("alice")
    alice.say("PART #lobby", "MONITOR + Bob,bert")
    alice.read()
    bob = here.connect("bob")
    assert alice.read() == [f":{SERVER} 730 alice :{bob.prefix}"]
    bob.say("NICK BOB")
    assert alice.read() == []
    bob.say("NICK bert")
    assert alice.read() == [f":{SERVER} 731 alice :BOB", f":{SERVER} 730 alice :{bob.prefix}"]
    bob.say("QUIT")
    assert alice.read() == [f":{SERVER} 731 alice :bert"]
    here.connect("bert").vanish()
    assert verbs(alice.read()) == ["730", "731"]


def test_a_second_device_is_no_news(here: Here) -> None:
    """A user is connected from the first session to the end of the last one."""
    alice = here.connect("alice")
    alice.say("MONITOR + una", "PART #lobby")
    phone = here.member()
    assert verbs(alice.read())[-1] == "730"
    laptop = here.member()
    phone.say("QUIT")
    assert alice.read() == []
    laptop.say("QUIT")
    assert verbs(alice.read()) == ["731"]


def test_removed_nicks_are_told_no_longer(here: Here) -> None:
    """MONITOR - and MONITOR C end the notifications, and so does QUIT."""
    alice, carl = here.connect("alice"), here.connect("carl")
    for client in (alice, carl):
        client.say("PART #lobby", "MONITOR + bob,dora")
    assert alice.ask("MONITOR - BOB,nobody") == []
    bob = here.connect("bob")
    assert alice.read() == []
    assert carl.ask("MONITOR C") == []
    assert carl.ask("MONITOR S") == []
    assert verbs(carl.ask("MONITOR L")) == ["733"]
    alice.say("QUIT")
    bob.say("NICK dora")
    assert carl.read() == []
    assert here.world.monitors._by_nick == {}


def test_a_full_list(here: Here) -> None:
    """734 names the limit and the nicks that did not fit, as given. The other nicks are added."""
    alice = here.connect("alice")
    nicks = [f"n{number}" for number in range(MONITORED_NICKS - 1)]
    for start in range(0, len(nicks), 50):
        alice.say(f"MONITOR + {','.join(nicks[start : start + 50])}")
    sent = alice.ask("MONITOR + N1,Last,Over,More")
    assert sent == [
        f":{SERVER} 731 alice :Last",
        f":{SERVER} 734 alice {MONITORED_NICKS} Over,More :Monitor list is full",
    ]
    listed = [nick for line in alice.ask("MONITOR L")[:-1] for nick in parse(line).params[-1].split(",")]
    assert listed == [*nicks, "Last"]


def test_a_long_answer_takes_several_lines(here: Here) -> None:
    """A long answer is split between nicks."""
    alice = here.connect("alice")
    nicks = [f"{'n' * 28}{number:04d}" for number in range(60)]
    for start in range(0, 60, 10):
        alice.say(f"MONITOR + {','.join(nicks[start : start + 10])}")
    for verb, line in (("731", "MONITOR S"), ("732", "MONITOR L")):
        sent = [parse(line) for line in alice.ask(line)]
        assert [nick for message in sent if message.verb == verb for nick in message.params[-1].split(",")] == nicks


@pytest.mark.parametrize("nick", ["*", "a*", "#a", "a!b@c", "1a", "n" * 33])
def test_invalid_nicks_are_ignored(here: Here, nick: str) -> None:
    """Invalid nicks are ignored; the other nicks of the line are added."""
    alice = here.connect("alice")
    assert verbs(alice.ask(f"MONITOR + {nick},bob")) == ["731"]
    assert params_of(alice.ask("MONITOR L"), "732")[-1] == "bob"


def test_malformed_lines(here: Here) -> None:
    """461 for a missing parameter, 400 for an unknown subcommand."""
    alice = here.connect("alice")
    for line in ("MONITOR", "MONITOR +", "MONITOR -", "MONITOR + :", "MONITOR + ,"):
        assert alice.ask(line) == [f":{SERVER} 461 alice MONITOR :Not enough parameters"]
    assert verbs(alice.ask("MONITOR X")) == ["400"]


CHANGES = {
    "away-notify": ("AWAY :at lunch", "AWAY :at lunch"),
    "setname": ("SETNAME :New Name", "SETNAME :New Name"),
}


@pytest.mark.parametrize("cap", CHANGES)
def test_changes_of_nicks_on_the_list(here: Here, cap: str) -> None:
    """With extended-monitor and the capability of the change, a session reads it without sharing a channel."""
    line, told = CHANGES[cap]
    watcher = here.connect("watcher", caps=f"extended-monitor {cap}")
    plain = here.connect("plain", caps=cap)
    other = here.connect("other", caps="extended-monitor")
    for client in (watcher, plain, other):
        client.say("PART #lobby", "MONITOR + bob")
    bob = here.connect("bob")
    here.forget_unread()
    bob.say(line)
    assert watcher.read() == [f":{bob.prefix} {told}"]
    assert plain.read() == [] and other.read() == []


def test_a_login_of_a_nick_on_the_list(here: Here) -> None:
    """With extended-monitor and account-notify, a session reads when a user on its list logs in."""
    here.account("una")
    watcher = here.connect("watcher", caps="extended-monitor account-notify")
    watcher.say("PART #lobby", "MONITOR + una,guest")
    guest = here.connect("guest", caps="sasl")
    here.forget_unread()
    here.world.set_account(guest.user, here.world.accounts.find("una"))
    here.wait(1)
    assert watcher.read() == [f":{guest.prefix} ACCOUNT una"]


def test_a_change_is_told_once(here: Here) -> None:
    """A session reads a change once, even if it shares channels and has the nick on its list, or its own nick."""
    caps = "extended-monitor away-notify"
    alice, bob = here.connect("alice", caps=caps), here.connect("bob", caps=caps)
    for client in (alice, bob):
        client.say("JOIN #a,#b", "MONITOR + alice,bob")
    here.forget_unread()
    assert verbs(bob.ask("AWAY :x")) == ["306"]
    assert alice.read() == [f":{bob.prefix} AWAY :x"]
