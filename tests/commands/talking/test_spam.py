"""Spam filters on the way of messages: what is refused, and what happens to who sent it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.filters import add_filter
from harness.session_client import Client
from harness.world import PASSWORD, SHELL, Here, params_of, verbs

from chatroom.chat import filter_actions
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.filter_actions import apply_filters
from chatroom.chat.people.server_mutes import ServerMutes
from chatroom.chat.stored.records import FilterAction, Role
from chatroom.errors import DiskFull
from chatroom.storage.sql.history_archive import read_all

CAPS = "message-tags batch draft/multiline labeled-response"


def batch(*lines: str, target: str = "#a") -> list[str]:
    """The lines of a multiline message."""
    return [f"BATCH +1 draft/multiline {target}", *(f"@batch=1 PRIVMSG {target} :{line}" for line in lines), "BATCH -1"]


@pytest.fixture
def two(here: Here) -> tuple[Client, Client]:
    """Alice and Bob in one channel, with a filter for spam."""
    add_filter(here, "spam", reason="no advertising here")
    alice, bob = here.connect("alice", caps=CAPS, address="192.0.2.1"), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    here.forget_unread()
    return alice, bob


def test_a_message_that_matches_is_refused(two: tuple[Client, Client]) -> None:
    """Its sender reads the reason, and nobody reads the message. Others pass."""
    alice, bob = two
    assert params_of(alice.ask("PRIVMSG #a :Buy SPAM now"), "404") == ["alice", "#a", "no advertising here"]
    assert params_of(alice.ask("PRIVMSG bob :\x02s\x02pam"), "531") == ["alice", "bob", "no advertising here"]
    assert verbs(alice.ask("PRIVMSG #a,bob :spam")) == ["404", "531"]
    assert verbs(alice.ask("PRIVMSG @#a :spam")) == ["404"]
    assert verbs(alice.ask("PRIVMSG #none :spam")) == ["403"]
    assert verbs(alice.ask("PRIVMSG nobody :spam")) == ["531"]
    assert verbs(alice.ask("@+draft/reply=1 PRIVMSG #a :\x01ACTION sells spam\x01")) == ["404"]
    assert bob.read() == []
    alice.say("PRIVMSG #a :Buy ham now", "PRIVMSG bob :ham")
    assert verbs(bob.read()) == ["PRIVMSG", "PRIVMSG"]


def test_a_notice_that_matches_is_refused_silently(two: tuple[Client, Client]) -> None:
    """As any refusal of a NOTICE, so that two programs never answer each other."""
    alice, bob = two
    assert alice.ask("NOTICE #a :spam", "NOTICE bob :spam") == []
    assert bob.read() == []


def test_a_multiline_message_is_one_text(two: tuple[Client, Client], here: Here) -> None:
    """A pattern may match across its lines, however they are cut."""
    alice, bob = two
    add_filter(here, "*cheap pills*")
    assert verbs(alice.ask(*batch("hello", "this is spam"))) == ["404"]
    assert verbs(alice.ask(*batch("cheap", "pills"))) == ["404"]
    split = ["BATCH +1 draft/multiline #a", "@batch=1 PRIVMSG #a :sp"]
    split += ["@batch=1;draft/multiline-concat PRIVMSG #a :am", "BATCH -1"]
    assert verbs(alice.ask(*split)) == ["404"]
    assert bob.read() == []
    alice.say(*batch("hello", "you"))
    assert verbs(bob.read()) == ["PRIVMSG", "PRIVMSG"]


def test_moderators_and_admins_are_exempt(two: tuple[Client, Client], here: Here) -> None:
    """They must be able to speak of spam."""
    _, bob = two
    for operator in (here.moderator(), here.admin()):
        operator.say("JOIN #a", "PRIVMSG #a :spam", "PRIVMSG bob :spam")
    assert verbs(bob.read()).count("PRIVMSG") == 4
    assert here.world.spam.unsaved == {}


def test_a_device_that_has_not_proved_the_rights_is_not_exempt(here: Here) -> None:
    """OPER is a session's: what it proved on one device of an account says nothing of the other one."""
    add_filter(here, "spam")
    here.moderator("mo")
    una, phone = here.member("una"), here.connect("una", login="una", address="10.0.0.2")
    bob = here.connect("bob")
    una.say(f"OPER mo :{PASSWORD}")
    una.say("PRIVMSG bob :spam")
    assert verbs(bob.read()) == ["PRIVMSG"]
    assert verbs(phone.ask("PRIVMSG bob :spam")) == ["531"]
    assert verbs(phone.ask("SETNAME :spam")) == ["FAIL"] and verbs(phone.ask("NICK spam")) == ["432"]
    assert bob.read() == []


def test_services_are_asked_whatever_the_text_is(here: Here) -> None:
    """A password is compared with nothing."""
    add_filter(here, "open sesame")
    una = here.member("una")
    assert "404" not in verbs(una.ask("PRIVMSG NickServ :IDENTIFY open sesame"))
    assert here.world.spam.unsaved == {}
    assert "531" not in verbs(una.ask("PRIVMSG *playback :PLAY open sesame"))
    assert verbs(una.ask("PRIVMSG NickServ,una :open sesame")) == ["407"]
    assert verbs(una.ask("PRIVMSG *playback,una :open sesame")) == ["531", "531"]


def test_the_text_of_a_reaction_is_a_text(two: tuple[Client, Client], here: Here) -> None:
    """So are those of other client-only tags that a reader might be shown, in all kinds of messages."""
    alice, bob = two
    bob.say("CAP REQ :message-tags")
    here.forget_unread()
    for tags, line in (
        ("+draft/react=buy\\sSPAM", "TAGMSG #a"),
        ("+draft/unreact=spam", "TAGMSG bob"),
        ("+draft/reply=1;+draft/react=spam", "PRIVMSG #a :hello"),
        ("+example.org/mood=spam", "PRIVMSG bob :hello"),
    ):
        assert verbs(alice.ask(f"@{tags} {line}")) == ["404" if "#a" in line else "531"]
    assert alice.ask("@+draft/react=spam NOTICE #a :hello") == []
    assert verbs(alice.ask("@+draft/react=spam BATCH +1 draft/multiline #a", *batch("hello", "you")[1:])) == ["404"]
    assert bob.read() == []
    assert here.world.spam.unsaved == {1: 6}


def test_a_tag_that_says_nothing_is_no_text(two: tuple[Client, Client]) -> None:
    """The id of a message that is answered, and typing, are compared with no filter; other reactions pass."""
    alice, bob = two
    bob.say("CAP REQ :message-tags")
    alice.say("@+typing=active TAGMSG #a", "@+draft/reply=spam TAGMSG #a", "@+draft/react=ham TAGMSG #a")
    assert verbs(bob.read()) == ["CAP"] + ["TAGMSG"] * 3


def test_a_text_in_tags_that_nobody_reads_is_none(here: Here) -> None:
    """Without message-tags, the server drops a client's tags."""
    add_filter(here, "spam", "kick")
    alice = here.connect("alice")
    assert alice.ask("@+draft/react=spam PRIVMSG #lobby :hello") == []
    assert not alice.closed


def test_the_reason_of_a_timed_ban_is_left_out(two: tuple[Client, Client], here: Here) -> None:
    """As that of a KICK: the ban is made, and nobody reads the text."""
    alice, _ = two
    assert verbs(alice.ask("CBAN #a eve!*@* 1h :buy spam")) == ["MODE", "NOTICE"]
    (entry,) = here.channel("#a").entries("b")
    assert entry.reason == ""
    assert here.world.spam.unsaved == {1: 1}
    alice.say("CBAN #a eve!*@* 1h :loud")
    (entry,) = here.channel("#a").entries("b")
    assert entry.reason == "loud"


def test_a_refused_message_is_not_stored(make_here: Callable[..., Here]) -> None:
    """Neither for a channel nor for an account that is not connected."""
    here = make_here(keeping=True)
    here.account("una")
    add_filter(here, "spam")
    vera = here.member("vera")
    assert verbs(vera.ask("PRIVMSG #lobby :spam", "PRIVMSG una :spam", "PRIVMSG una :ham")) == ["404", "531", "NOTICE"]
    assert [entry.entry.text for entry in read_all(here.stores.database)] == ["ham"]


def test_a_bridge_is_told_what_it_cannot_relay(here: Here) -> None:
    """The person who said it is elsewhere: the bridge is neither muted nor kicked."""
    add_filter(here, "spam", "kick", "no spam")
    bridge = here.connect("bridge", caps="draft/relaymsg")
    bridge.say("JOIN #b")
    assert params_of(bridge.ask("RELAYMSG #b mallory/else :spam"), "FAIL")[1:] == [
        "CANNOT_SEND", "#b", "mallory/else", "no spam",
    ]  # fmt: skip
    assert not bridge.closed
    assert verbs(bridge.ask("RELAYMSG #b mallory/else :ham")) == ["PRIVMSG"]
    assert here.world.spam.unsaved == {1: 1}


# -- mute ----------------------------------------------------------------------------------------


def test_a_mute_lasts_its_time(here: Here) -> None:
    """Everything that others would read is refused, with the time that is left. Then the user may talk again."""
    add_filter(here, "spam", "mute", "no spam", 60)
    alice, bob = here.connect("alice", caps=CAPS, address="192.0.2.1"), here.connect("bob")
    for client in (alice, bob):
        client.say("JOIN #a")
    bob.read()
    assert params_of(alice.ask("PRIVMSG #a :spam"), "404")[-1] == "no spam. You are muted for 1m"
    here.wait(20.5)
    assert params_of(alice.ask("PRIVMSG #a :sorry"), "404")[-1] == "You are muted for 40s: no spam"
    assert params_of(alice.ask("PRIVMSG bob :sorry"), "531")[-1] == "You are muted for 40s: no spam"
    assert verbs(alice.ask("@+draft/react=x TAGMSG #a")) == ["404"]
    assert verbs(alice.ask("TOPIC #a :sorry")) == ["404"]
    assert verbs(alice.ask("AWAY :sorry")) == ["FAIL"]
    assert verbs(alice.ask("PRIVMSG NickServ :HELP"))[0] == "NOTICE"
    assert bob.read() == []
    here.wait(40)
    assert alice.ask("PRIVMSG #a :thank you") == []
    assert verbs(bob.read()) == ["PRIVMSG"]


def test_a_mute_is_for_the_guests_of_an_address(here: Here) -> None:
    """Coming again does not end it, nor does logging in on the muted connection. Others are not muted."""
    here.account("una")
    add_filter(here, "spam", "mute")
    alice = here.connect("alice", address="2001:db8::1")
    alice.say("PRIVMSG #lobby :spam")
    again, other = here.connect("eve", address="2001:db8::2"), here.connect("bob", address="2001:db8:0:1::1")
    una = here.member("una", address="2001:db8::3")
    assert verbs(again.ask("PRIVMSG #lobby :hello")) == ["404"]
    assert other.ask("PRIVMSG #lobby :hello") == una.ask("PRIVMSG #lobby :hello") == []
    alice.say("NICK carl", "REGISTER * * :xyzzy plugh")
    assert alice.user.account is not None
    assert verbs(alice.ask("PRIVMSG #lobby :hello")) == ["404"]


def test_a_mute_is_for_an_account(here: Here) -> None:
    """On all of its devices, also those that come later, and for nobody else at its address."""
    add_filter(here, "spam", "mute")
    una, phone, bob = here.member(address="192.0.2.1"), here.member(address="192.0.2.2"), here.connect("bob")
    una.say("PRIVMSG #lobby :spam")
    assert verbs(phone.ask("PRIVMSG #lobby :hello")) == ["404"]
    assert verbs(here.member(address="192.0.2.9").ask("PRIVMSG #lobby :hello")) == ["404"]
    assert bob.ask("PRIVMSG #lobby :hello") == []


def test_a_mute_at_an_exempt_address_is_for_one_connection(here: Here) -> None:
    """All users behind a gateway on this machine have its address."""
    add_filter(here, "spam", "mute")
    alice, bob = here.connect("alice", address="127.0.0.1"), here.connect("bob", address="127.0.0.1")
    alice.say("PRIVMSG #lobby :spam")
    assert verbs(alice.ask("PRIVMSG #lobby :hello")) == ["404"]
    assert bob.ask("PRIVMSG #lobby :hello") == []


def test_mutes_are_bounded(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many, the oldest ends."""
    here.world.spam.mutes = ServerMutes(most_keys=4)
    add_filter(here, "spam", "mute")
    clients = [here.connect(f"user{number}", address=f"192.0.2.{number}") for number in range(3)]
    for client in clients:
        client.say("PRIVMSG #lobby :spam")
    assert len(here.world.spam.mutes) == 4
    assert [verbs(client.ask("PRIVMSG #lobby :hello")) for client in clients[1:]] == [["404"], ["404"]]
    here.forget_unread()
    assert clients[0].ask("PRIVMSG #lobby :hello") == []


def test_messages_cost_nothing_once_filters_and_mutes_are_gone(here: Here) -> None:
    """The mutes that are over are forgotten by the next message after a minute."""
    filter_id = add_filter(here, "spam", "mute", "", 30)
    alice, bob = here.connect("alice", address="192.0.2.1"), here.connect("bob")
    alice.say("PRIVMSG #lobby :spam")
    here.stores.filters.remove(filter_id, SHELL)
    with here.tick():
        apply_filters(here.world, FilterSet())
    is_on = []
    for _ in range(2):
        is_on.append(here.world.spam.is_on)
        here.wait(61)
        bob.say("PRIVMSG #lobby :hello")
    assert is_on == [True, False]
    assert len(here.world.spam.mutes) == 0


# -- kick and ban --------------------------------------------------------------------------------


def test_a_kick_disconnects_the_user(two: tuple[Client, Client], here: Here) -> None:
    """All of it, with the reason; the audit and the log have it. The rest of the burst has no effect."""
    alice, bob = two
    add_filter(here, "spam", "kick", "no spam")
    with here.tick():
        alice.say("PRIVMSG #a :spam", "PRIVMSG #a :spam", "PRIVMSG #a :hello")
    assert verbs(alice.read()) == ["404", "404", "404", "ERROR"]
    assert alice.closed
    (quit_line,) = bob.read()
    assert quit_line.endswith("QUIT :alice was kicked by a spam filter: no spam")
    assert [(e.actor, e.action, e.target, e.detail) for e in here.stores.audit.list_entries()[-1:]] == [
        ("filter 1", "kick", "alice", "no spam")
    ]
    assert here.world.spam.unsaved == {1: 1}


@pytest.mark.parametrize(
    "address, target",
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::/64"), ("127.0.0.1", "alice")],
)
def test_a_guest_is_banned_by_address(here: Here, address: str, target: str) -> None:
    """For the filter's time and with its number as the cause. Only at an address that is exempt, the nick is banned."""
    filter_id = add_filter(here, "spam", "ban", "no spam", 3600)
    alice, other = here.connect("alice", address=address), here.connect("bob", address="10.9.9.9")
    assert "404" in verbs(alice.ask("PRIVMSG #lobby :spam"))
    assert alice.closed and not other.closed
    (ban,) = here.stores.bans.list_in_force(here.now)
    assert (ban.target, ban.reason, ban.by) == (target, f"filter {filter_id}: no spam", f"filter {filter_id}")
    assert ban.until_at is not None and (ban.until_at - here.now).total_seconds() == 3600
    back = here.open(address)
    back.say("NICK alice", "USER a 0 * :a")
    assert back.closed
    here.wait(3601)
    assert not here.connect("alice", address=address).closed


def test_an_account_is_banned_by_name(here: Here) -> None:
    """Its other devices go too, and its neighbours at the address stay."""
    add_filter(here, "spam", "ban")
    una, phone = here.member(address="192.0.2.1"), here.member(address="192.0.2.2")
    bob = here.connect("bob", address="192.0.2.1")
    una.say("PRIVMSG bob :spam")
    assert una.closed and phone.closed and not bob.closed
    assert [ban.target for ban in here.stores.bans.list_in_force(here.now)] == ["una"]


def test_a_ban_spares_moderators_and_a_longer_ban(here: Here) -> None:
    """An operator at the same address stays. A ban that lasts longer is not made shorter."""
    add_filter(here, "spam", "ban")
    mo, alice = here.moderator(address="192.0.2.1"), here.connect("alice", address="192.0.2.1")
    here.holding = True
    alice.say("PRIVMSG #lobby :spam")
    longer = here.stores.bans.add("ip", "192.0.2.1", "for good", None, SHELL)
    here.release()
    assert alice.closed and not mo.closed
    assert [ban.id for ban in here.stores.bans.list_in_force(here.now)] == [longer.id]


def test_a_ban_that_cannot_be_stored_acts(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one by UBAN: it is NOT STORED and tried again."""
    add_filter(here, "spam", "ban")
    alice = here.connect("alice", address="192.0.2.1")

    def refuse(*_: object) -> None:
        raise DiskFull("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(type(here.stores.bans), "add_many", refuse)
        alice.say("PRIVMSG #lobby :spam")
    assert alice.closed
    (rule,) = here.world.bans
    assert not rule.is_stored
    here.wait(6)
    assert [ban.target for ban in here.stores.bans.list_in_force(here.now)] == ["192.0.2.1"]


def test_strangers_cannot_fill_the_database_with_bans(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many in an hour, filters only disconnect."""
    monkeypatch.setattr(filter_actions, "MOST_STORED_PER_HOUR", 2)
    add_filter(here, "spam", "ban")
    for number in range(4):
        client = here.connect("alice", address=f"192.0.2.{number}")
        client.say("PRIVMSG #lobby :spam")
        assert client.closed
    assert len(here.stores.bans.list_in_force(here.now)) == 2
    here.wait(3600)
    here.connect("alice", address="192.0.2.9").say("PRIVMSG #lobby :spam")
    assert len(here.stores.bans.list_in_force(here.now)) == 3


@pytest.mark.parametrize("action", ["kick", "ban"])
def test_who_left_meanwhile_is_not_missed(here: Here, action: FilterAction) -> None:
    """The user is gone, or has become a moderator, when the job is done."""
    add_filter(here, "spam", action)
    alice, una = here.connect("alice", address="192.0.2.1"), here.member(address="192.0.2.2")
    here.holding = True
    alice.say("PRIVMSG #lobby :spam", "QUIT")
    una.say("PRIVMSG #lobby :spam")
    here.set_role("una", Role.MODERATOR)
    here.release()
    assert alice.closed
    assert not una.closed


@pytest.mark.parametrize("history", [False, True])
def test_the_short_way_refuses_what_the_long_way_refuses(tmp_path: Path, history: bool) -> None:
    """Each user says each text as ``PRIVMSG`` and as ``privmsg``: all read the same."""
    heard = []
    for verb in ("PRIVMSG", "privmsg"):
        with Here(tmp_path / f"{verb}.db", history=history) as here:
            add_filter(here, "spam", "mute", "", 30)
            add_filter(here, "eggs")
            clients = [here.connect("alice"), here.member("una"), here.moderator("mo")]
            for client in clients:
                client.say("JOIN #a")
            here.forget_unread()
            for text in ("hello", "eggs", "spam", "hello"):
                for client in clients:
                    client.say(f"{verb} #a :{text}", f"{verb} una :{text}")
            here.wait(31)
            clients[0].say(f"{verb} #a :hello")
            heard.append([client.read() for client in clients])
    assert heard[0] == heard[1]
    assert all(heard[0])
