from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of, verbs


def test_away_is_told_to_sessions_with_the_capability(here: Here) -> None:
    """The user reads 306 and 305. Other sessions with away-notify that share a channel read AWAY once."""
    alice = here.connect("alice", caps="away-notify")
    bob, carl = here.connect("bob", caps="away-notify"), here.connect("carl")
    for client in (alice, bob):
        client.say("JOIN #a")
    here.forget_unread()
    assert alice.ask("AWAY :at lunch") == [f":{SERVER} 306 alice :You have been marked as being away"]
    assert bob.read() == [f":{alice.prefix} AWAY :at lunch"]
    assert carl.read() == []
    assert alice.ask("AWAY") == [f":{SERVER} 305 alice :You are no longer marked as being away"]
    assert bob.read() == [f":{alice.prefix} AWAY"]
    assert verbs(alice.ask("AWAY :")) == ["305"]
    assert bob.read() == []


def test_the_users_other_devices_read_of_it(here: Here) -> None:
    """By the message if they can, else by the numeric that answers AWAY: their client would show the wrong state."""
    una = here.member("una")
    others = [here.connect("una", login="una", caps=caps) for caps in ("", "away-notify")]
    here.forget_unread()
    una.say("AWAY :tea")
    assert [verbs(other.read()) for other in others] == [["306"], ["AWAY"]]
    una.say("AWAY")
    assert [verbs(other.read()) for other in others] == [["305"], ["AWAY"]]
    assert verbs(una.read()) == ["306", "305"]


def test_setname_is_told_to_sessions_with_the_capability(here: Here) -> None:
    """Sessions with setname that share a channel read the new real name. One that is too long or empty is refused."""
    alice = here.connect("alice", caps="setname")
    bob, carl = here.connect("bob", caps="setname"), here.connect("carl")
    here.forget_unread()
    told = [f":{alice.prefix} SETNAME :Alice Liddell"]
    assert alice.ask("SETNAME :Alice Liddell") == told
    assert bob.read() == told
    assert carl.read() == []
    assert params_of(bob.ask("WHOIS alice"), "311")[-1] == "Alice Liddell"
    assert params_of(alice.ask("SETNAME :"), "FAIL")[:2] == ["SETNAME", "INVALID_REALNAME"]
    assert params_of(alice.ask(f"SETNAME :{'é' * 51}"), "FAIL")[:2] == ["SETNAME", "INVALID_REALNAME"]


def test_a_real_name_from_the_start_has_the_same_limit(here: Here) -> None:
    """The real name of USER is cut to NAMELEN bytes, but never inside a character."""
    alice = here.connect("alice", realname="é" * 100)
    assert alice.user.realname == "é" * 50


def test_a_nick_change_is_told_once(here: Here) -> None:
    """Two users that share several channels both read NICK once. 433 for a nick in use; a new case is allowed."""
    alice, bob = here.connect("alice"), here.connect("bob")
    for client in (alice, bob):
        client.say("JOIN #a,#b")
    here.forget_unread()
    before = alice.prefix
    assert alice.ask("NICK Alice") == [f":{before} NICK Alice"]
    assert bob.read() == [f":{before} NICK Alice"]
    assert alice.ask("NICK Alice") == []
    assert alice.ask("NICK BOB") == [f":{SERVER} 433 Alice BOB :Nickname is already in use"]
    assert alice.ask("NICK") == [f":{SERVER} 431 Alice :No nickname given"]
    bob.say("PRIVMSG ALICE :hi")
    assert alice.read() == [f":{bob.prefix} PRIVMSG Alice :hi"]


def test_a_reserved_nick_cannot_be_taken_by_nick(here: Here) -> None:
    """433 and FAIL NICK_RESERVED for other users. A session of the account may take the nick."""
    here.account("una")
    guest = here.connect("guest")
    sent = guest.ask("NICK UNA")
    assert params_of(sent, "433")[:2] == ["guest", "UNA"]
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_RESERVED", "UNA"]
    other = here.connect("other", login="una")
    assert verbs(other.ask("NICK Una")) == ["NICK"]


def test_whois_shows_addresses_to_few(here: Here) -> None:
    """WHOIS shows channels, away text, account, role and idle time; addresses only to admins and the user."""
    ada, bob = here.admin(address="192.0.2.1"), here.connect("bob")
    ada.say("JOIN #a", "AWAY :busy")
    here.wait(5)
    host = ada.user.host
    sent = bob.ask("WHOIS ADA")
    assert params_of(sent, "311") == ["bob", "ada", "ada", host, "*", "Real Name"]
    assert params_of(sent, "319") == ["bob", "ada", "#lobby @#a"]
    assert params_of(sent, "312") == ["bob", "ada", SERVER, "A chatroom server"]
    assert params_of(sent, "301") == ["bob", "ada", "busy"]
    assert params_of(sent, "313") == ["bob", "ada", "is an admin of this server"]
    assert params_of(sent, "330") == ["bob", "ada", "ada", "is logged in as"]
    assert params_of(sent, "317") == ["bob", "ada", "5", "1903867200", "seconds idle, signon time"]
    assert sent[0].startswith(f":{SERVER} 311 ")
    assert sent[-1] == f":{SERVER} 318 bob ADA :End of WHOIS list"
    assert not any("192.0.2.1" in line for line in sent)
    assert params_of(ada.ask("WHOIS bob"), "338") == ["ada", "bob", "10.0.0.1", "is actually using host"]
    assert params_of(bob.ask("WHOIS bob"), "338")[2] == "10.0.0.1"
    assert bob.ask("WHOIS nobody") == [
        f":{SERVER} 401 bob nobody :No such nick/channel",
        f":{SERVER} 318 bob nobody :End of WHOIS list",
    ]
    assert verbs(bob.ask(f"WHOIS {SERVER} ada"))[0] == "311"


def test_whois_without_a_nick_is_431(here: Here) -> None:
    """WHOIS without a nick is 431."""
    assert here.connect("bob").ask("WHOIS") == [f":{SERVER} 431 bob :No nickname given"]


def test_who_lists_channels_and_masks(here: Here) -> None:
    """352 has channel, user name, host, server, nick, flags, hops and real name; 315 repeats the mask."""
    ada, bob = here.admin(), here.connect("bob", caps="multi-prefix")
    bob.say("JOIN #a", "MODE #a +v bob", "AWAY :x")
    assert bob.ask("WHO #a") == [
        f":{SERVER} 352 bob #a bob {bob.user.host} {SERVER} bob G@+ :0 Real Name",
        f":{SERVER} 315 bob #a :End of WHO list",
    ]
    assert params_of(ada.ask("WHO BO?"), "352")[1:] == [
        "#lobby", "bob", bob.user.host, SERVER, "bob", "G", "0 Real Name",
    ]  # fmt: skip
    assert params_of(bob.ask("WHO #lobby o"), "352")[5:7] == ["ada", "H*"]
    assert bob.ask("WHO #none") == [f":{SERVER} 315 bob #none :End of WHO list"]
    assert verbs(bob.ask("WHO *")) == ["352", "352", "315"]


def test_ison_and_userhost(here: Here) -> None:
    """302 and 303 list the connected users, with their nicks in their own case."""
    ada, bob = here.admin(), here.connect("Bob")
    bob.say("AWAY :x")
    assert ada.ask("ISON nobody BOB :ada x") == [f":{SERVER} 303 ada :Bob ada"]
    assert ada.ask("USERHOST bob ada nobody") == [
        f":{SERVER} 302 ada :Bob=-bob@{bob.user.host} ada*=+ada@{ada.user.host}"
    ]


@pytest.mark.parametrize("line", ["WHO", "ISON", "USERHOST", "SETNAME"])
def test_a_missing_parameter_is_461(here: Here, line: str) -> None:
    """Without its parameter, a verb is refused with 461 and its name."""
    assert here.connect("bob").ask(line) == [f":{SERVER} 461 bob {line} :Not enough parameters"]
