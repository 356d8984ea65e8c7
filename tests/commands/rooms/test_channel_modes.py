from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.irc.message import parse

SET_AT = "1903867200"


def test_a_channels_modes_are_shown_with_the_key_only_to_members(here: Here) -> None:
    """324 lists the flags in order, the key (a star outside the channel) and the limit; 329 the time of creation."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a +kl sesame 10", "MODE #a +i")
    assert alice.ask("MODE #a") == [f":{SERVER} 324 alice #a +intkl sesame 10", f":{SERVER} 329 alice #a {SET_AT}"]
    assert bob.ask("MODE #A")[0] == f":{SERVER} 324 bob #a +intkl * 10"
    assert bob.ask("MODE #none") == [f":{SERVER} 403 bob #none :No such channel"]


@pytest.mark.parametrize("letter", "imnst")
def test_a_flag_is_told_once(here: Here, letter: str) -> None:
    """All members read a change of a flag. A line that changes nothing sends nothing."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a -nt")
    bob.say("JOIN #a")
    alice.read()
    told = [f":{alice.prefix} MODE #a +{letter}"]
    bob.read()
    assert alice.ask(f"MODE #a +{letter}") == told
    assert bob.read() == told
    assert alice.ask(f"MODE #a +{letter}") == []
    assert bob.read() == []
    assert alice.ask(f"MODE #a -{letter}") == [f":{alice.prefix} MODE #a -{letter}"]


def test_only_operators_moderators_and_admins_change_modes(here: Here) -> None:
    """482 for users without +o, in the channel or not. A moderator needs neither +o nor to be in it."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    alice.say("JOIN #a")
    refusal = [f":{SERVER} 482 bob #a :You're not channel operator"]
    assert bob.ask("MODE #a +m") == refusal
    bob.say("JOIN #a")
    for change in ("+m", "+o bob", "-o alice", "+b *!*@*", "+k x", "-t", "+l 1", "+I x", "-v bob"):
        assert bob.ask(f"MODE #a {change}") == refusal
    assert here.channel("#a").members[bob.user] == 0
    bob.say("MODE #a +m")
    assert verbs(mo.ask("MODE #a +m")) == ["MODE"]
    assert "m" in here.channel("#a").flags


def test_one_refusal_for_many_changes(here: Here) -> None:
    """A line of several changes without the right to them is refused once."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    assert verbs(bob.ask("MODE #a +mi-t+l 4")) == ["482"]


def test_an_unknown_letter_is_472_and_the_rest_goes_on(here: Here) -> None:
    """472 names the letter; the other changes of the line are made."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    assert alice.ask("MODE #a +Xm") == [
        f":{SERVER} 472 alice X :is unknown mode char to me",
        f":{alice.prefix} MODE #a +m",
    ]


def test_a_key_is_needed_to_enter_and_not_to_remove_it(here: Here) -> None:
    """475 without the key or with another one. -k removes the key, whatever its parameter."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a +k sesame")
    assert bob.ask("JOIN #a") == [f":{SERVER} 475 bob #a :Cannot join channel (+k)"]
    assert verbs(bob.ask("JOIN #a Sesame")) == ["475"]
    assert verbs(bob.ask("JOIN #x,#a y,sesame"))[-3:] == ["JOIN", "353", "366"]
    assert alice.ask("MODE #a -k")[-1] == f":{alice.prefix} MODE #a -k *"
    alice.say("MODE #a +k two")
    assert alice.ask("MODE #a -k :wrong words")[-1] == f":{alice.prefix} MODE #a -k *"
    assert here.channel("#a").key is None
    assert alice.ask("MODE #a -k x") == []


def test_the_audit_has_the_mode_and_not_the_key(here: Here) -> None:
    """The audit, which is never deleted, says that a key was set but not the key."""
    una = here.member()
    una.say("JOIN #a")
    assert una.ask("MODE #a +mk sesame")[-1] == f":{una.prefix} MODE #a +mk sesame"
    entry = here.stores.audit.list_entries(actor="una")[-1]
    assert (entry.action, entry.target, entry.detail) == ("channel.mode", "#a", "+mk *")


@pytest.mark.parametrize("key", ["a,b", ":a b", "x" * 33, ":"])
def test_a_key_that_join_cannot_send_is_refused(here: Here, key: str) -> None:
    """696 for a key with a comma or a space, an empty key and one that is too long: JOIN could not send them."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    assert params_of(alice.ask(f"MODE #a +k {key}"), "696")[:-1] == ["alice", "#a", "k", "*"]
    assert here.channel("#a").key is None


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "٣", "9999999999", ":1 2"])
def test_a_limit_is_a_positive_number(here: Here, limit: str) -> None:
    """696 with the channel and the letter, for a parameter that is no limit."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    sent = alice.ask(f"MODE #a +l {limit}")
    assert params_of(sent, "696")[:3] == ["alice", "#a", "l"]
    assert here.channel("#a").limit is None


def test_a_full_channel_lets_only_invited_users_in(here: Here) -> None:
    """471 at the limit. An invitation overrides it. -l needs no number."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    alice.say("JOIN #a", "MODE #a +l 1")
    assert bob.ask("JOIN #a") == [f":{SERVER} 471 bob #a :Cannot join channel (+l)"]
    alice.say("INVITE bob #a")
    assert "JOIN" in verbs(bob.ask("JOIN #a"))
    assert alice.ask("MODE #a -l") == [f":{alice.prefix} MODE #a -l"]
    assert "JOIN" in verbs(carl.ask("JOIN #a"))


def test_invite_only_and_its_exceptions(here: Here) -> None:
    """473 without an invitation. A +I mask lets the user in, and so does an invitation, once."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    alice.say("JOIN #a", "MODE #a +i")
    assert bob.ask("JOIN #a") == [f":{SERVER} 473 bob #a :Cannot join channel (+i)"]
    alice.say("MODE #a +I BOB!*@*")
    assert "JOIN" in verbs(bob.ask("JOIN #a"))
    alice.say("INVITE carl #a")
    assert "JOIN" in verbs(carl.ask("JOIN #a"))
    assert verbs(carl.ask("PART #a", "JOIN #a")) == ["PART", "473"]


def test_bans_refuse_entry_and_speech_and_exceptions_lift_them(here: Here) -> None:
    """A +b mask refuses entry (474) and, to a member, speech (404). +e or +v lifts it, -b ends it."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    assert alice.ask("MODE #a +b bob")[-1] == f":{alice.prefix} MODE #a +b bob!*@*"
    assert bob.ask("PRIVMSG #a :hi")[-1] == f":{SERVER} 404 bob #a :Cannot send to channel"
    alice.say("MODE #a +v bob")
    assert bob.ask("PRIVMSG #a :hi")[1:] == []
    alice.say("MODE #a -v bob")
    bob.say("PART #a")
    assert bob.ask("JOIN #a") == [f":{SERVER} 474 bob #a :Cannot join channel (+b)"]
    alice.say("MODE #a +e *!bob@*")
    assert "JOIN" in verbs(bob.ask("JOIN #a"))
    alice.read()
    bob.say("PRIVMSG #a :hi")
    assert alice.read() == [f":{bob.prefix} PRIVMSG #a :hi"]
    alice.say("MODE #a -e *!bob@*", "MODE #a -b BOB!*@*")
    assert here.channel("#a").entries("b") == []


def test_an_invitation_overrides_a_ban_and_a_key(here: Here) -> None:
    """An invited user may enter despite +b and +k."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a +bk *!*@* sesame", "INVITE bob #a")
    assert "JOIN" in verbs(bob.ask("JOIN #a"))


def test_lists_show_the_mask_its_author_and_time(here: Here) -> None:
    """All users may list the bans (367, 368). Only operators may list the exceptions (348, 349; 346, 347)."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a +b-b+b x!*@* x!*@* y", "MODE #a +eI e!*@* i!*@*")
    for client, nick in ((alice, "alice"), (bob, "bob")):
        for ask in ("MODE #a b", "MODE #a +b", "MODE #a -b"):
            assert client.ask(ask) == [
                f":{SERVER} 367 {nick} #a y!*@* {alice.prefix} {SET_AT}",
                f":{SERVER} 368 {nick} #a :End of channel ban list",
            ]
    assert alice.ask("MODE #a e") == [
        f":{SERVER} 348 alice #a e!*@* {alice.prefix} {SET_AT}",
        f":{SERVER} 349 alice #a :End of channel exception list",
    ]
    assert alice.ask("MODE #a I") == [
        f":{SERVER} 346 alice #a i!*@* {alice.prefix} {SET_AT}",
        f":{SERVER} 347 alice #a :End of channel invite-exception list",
    ]
    assert verbs(bob.ask("MODE #a e", "MODE #a I")) == ["482", "482"]


def test_a_mask_is_listed_once_in_any_case(here: Here) -> None:
    """A mask that is listed in another case changes nothing."""
    alice = here.connect("alice")
    alice.say("JOIN #a", "MODE #a +b Bob!*@*")
    assert alice.ask("MODE #a +b bob!*@*") == []
    assert [entry.mask for entry in here.channel("#a").entries("b")] == ["Bob!*@*"]


@pytest.mark.parametrize("mask", [":a b!*@*", "~a:" + "x" * 400, ":~m:a b"])
@pytest.mark.parametrize("letter", "beI")
def test_a_mask_that_no_line_can_hold_is_refused(here: Here, letter: str, mask: str) -> None:
    """A mask with a space, or one that is too long for a reply, would break the MODE line: 696, and no entry."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    assert params_of(alice.ask(f"MODE #a +{letter} {mask}"), "696")[:3] == ["alice", "#a", letter]
    assert here.channel("#a").lists.get("b", {}) == {}


def test_lists_are_bounded(here: Here) -> None:
    """478 with the channel and the letter if a hundred masks are listed."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    for number in range(100):
        alice.say(f"MODE #a +b x{number}!*@*")
    assert alice.ask("MODE #a +b more!*@*") == [f":{SERVER} 478 alice #a b :Channel list is full"]
    assert alice.ask("MODE #a +b x1!*@*") == []


def test_moderated_and_no_outside_messages(here: Here) -> None:
    """With +m only voiced members and operators speak. With +n only members do. Without both, all users do."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a")
    assert verbs(bob.ask("PRIVMSG #a :hi")) == ["404"]
    alice.say("MODE #a -n")
    assert bob.ask("PRIVMSG #a :hi") == []
    bob.say("JOIN #a")
    alice.say("MODE #a +m")
    assert verbs(bob.ask("PRIVMSG #a :hi"))[-1] == "404"
    alice.say("MODE #a +v bob")
    assert bob.ask("PRIVMSG #a :hi")[1:] == []
    alice.say("MODE #a -v+o bob bob")
    assert bob.ask("PRIVMSG #a :hi")[2:] == []


def test_secret_channels_are_hidden_from_others(here: Here) -> None:
    """Only members and moderators see a +s channel in LIST, NAMES, WHO and WHOIS."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    alice.say("JOIN #a", "MODE #a +s")
    assert [line for line in bob.ask("LIST", "WHOIS alice", "WHO alice", "NAMES #a", "WHO #a") if "#a" in line] == [
        f":{SERVER} 366 bob #a :End of NAMES list",
        f":{SERVER} 315 bob #a :End of WHO list",
    ]
    assert params_of(mo.ask("LIST #a"), "322") == ["mo", "#a", "1", ""]
    assert params_of(alice.ask("NAMES #a"), "353")[1] == "@"


def test_a_line_of_many_changes_is_told_in_lines_that_fit(here: Here) -> None:
    """The first twenty changes of a line are made; each is told in full."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    masks = [f"{number}" + "x" * 18 for number in range(25)]
    sent = alice.ask(f"MODE #a +{'b' * 22} {' '.join(masks[:22])}")
    told = [param for line in sent for param in parse(line).params[2:]]
    assert told == [f"{mask}!*@*" for mask in masks[:20]]
