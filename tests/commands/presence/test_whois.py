from __future__ import annotations

import pytest
from harness.world import SERVER, START, Here, params_of, verbs

from chatroom.irc.message import parse

SIGNON = str(int(START.timestamp()))


def test_whois_shows_public_facts(here: Here) -> None:
    """WHOIS shows user, channels, server, away text, account and idle time. 318 repeats the nick as given."""
    una = here.member(realname="Una X")
    una.say("AWAY :at lunch", "JOIN #a", "MODE #a +v una", "MODE una +B")
    here.wait(7)
    bob = here.connect("bob")
    host = una.user.host
    assert bob.ask("WHOIS UNA") == [
        f":{SERVER} 311 bob una una {host} * :Una X",
        f":{SERVER} 307 bob una :has identified for this nick",
        f":{SERVER} 319 bob una :#lobby @#a",
        f":{SERVER} 312 bob una {SERVER} :A chatroom server",
        f":{SERVER} 301 bob una :at lunch",
        f":{SERVER} 330 bob una una :is logged in as",
        f":{SERVER} 335 bob una :is a bot on chatroom",
        f":{SERVER} 317 bob una 7 {SIGNON} :seconds idle, signon time",
        f":{SERVER} 318 bob UNA :End of WHOIS list",
    ]
    bob.say("CAP REQ multi-prefix")
    assert params_of(bob.ask("WHOIS una"), "319")[-1] == "#lobby @+#a"


def test_whois_shows_addresses_and_modes_to_few(here: Here) -> None:
    """Only the user and moderators read 338 and 379. 307 is sent only if the nick is the account's name."""
    una, mo, bob = here.member(address="10.0.0.7"), here.moderator(), here.connect("bob")
    una.say("NICK una2", "MODE una2 +wi")
    for asker in (una, mo):
        sent = asker.ask("WHOIS una2")
        assert params_of(sent, "338")[1:] == ["una2", "10.0.0.7", "is actually using host"]
        assert params_of(sent, "379")[1:] == ["una2", "is using modes +iw"]
    assert verbs(bob.ask("WHOIS una2")) == ["311", "319", "312", "330", "317", "318"]
    assert params_of(bob.ask("WHOIS mo"), "313")[1:] == ["mo", "is a moderator of this server"]


def test_whois_hides_secret_channels_and_those_of_invisible_users(here: Here) -> None:
    """319 leaves out secret channels, and of an invisible user all that are not shared."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    alice.say("JOIN #s,#a", "MODE #s +s")
    assert params_of(bob.ask("WHOIS alice"), "319")[-1] == "#lobby @#a"
    alice.say("MODE alice +i")
    assert params_of(bob.ask("WHOIS alice"), "319")[-1] == "#lobby"
    for asker in (alice, mo):
        assert params_of(asker.ask("WHOIS alice"), "319")[-1] == "#lobby @#s @#a"


def test_many_channels_take_several_lines(here: Here) -> None:
    """319 is sent as often as needed."""
    alice = here.connect("alice")
    names = [f"#{number:03d}{'c' * 59}" for number in range(20)]
    alice.say(*(f"JOIN {name}" for name in names))
    sent = alice.ask("WHOIS alice")
    listed = [word for line in sent if parse(line).verb == "319" for word in parse(line).params[-1].split()]
    assert listed == ["#lobby", *(f"@{name}" for name in names)]


def test_whois_of_several_nicks(here: Here) -> None:
    """Up to four nicks, separated by commas: 401 for each without a user, and one 318 that repeats the request."""
    alice = here.connect("alice")
    here.connect("bob")
    assert verbs(alice.ask("WHOIS bob")) == ["311", "319", "312", "317", "318"]
    sent = alice.ask("WHOIS bob,none,Alice,x,bob")
    assert [parse(line).params[1] for line in sent if parse(line).verb in ("311", "401")] == [
        "bob",
        "none",
        "alice",
        "x",
    ]
    assert sent[-1] == f":{SERVER} 318 alice bob,none,Alice,x,bob :End of WHOIS list"


def test_whois_of_an_unknown_nick(here: Here) -> None:
    """401 and 318 with the nick as given; 431 without a nick."""
    alice = here.connect("alice")
    assert alice.ask("WHOIS NoOne") == [
        f":{SERVER} 401 alice NoOne :No such nick/channel",
        f":{SERVER} 318 alice NoOne :End of WHOIS list",
    ]
    for line in ("WHOIS", "WHOIS :", f"WHOIS {SERVER} :"):
        assert alice.ask(line) == [f":{SERVER} 431 alice :No nickname given"]


@pytest.mark.parametrize("target", [SERVER, SERVER.upper(), "*", "chatroom.*", "bob", "alice"])
def test_whois_may_name_the_server(here: Here, target: str) -> None:
    """The first parameter may name the server, by its name, a mask or a user. 402 for any other."""
    alice = here.connect("alice")
    here.connect("bob")
    assert verbs(alice.ask(f"WHOIS {target} bob"))[0] == "311"
    assert alice.ask("WHOIS other.example bob") == [f":{SERVER} 402 alice other.example :No such server"]


def test_whowas_shows_users_that_left(here: Here) -> None:
    """314, 330 for an account and 312 with the time of leaving, newest first; then 369."""
    alice = here.connect("alice")
    una = here.member(realname="Una X")
    host = una.user.host
    una.say("QUIT")
    here.wait(60)
    una = here.member(realname="Una Y")
    una.say("QUIT")
    latest = [
        f":{SERVER} 314 alice una una {host} * :Una Y",
        f":{SERVER} 330 alice una una :was logged in as",
        f":{SERVER} 312 alice una {SERVER} :2030-05-01 12:01:00 UTC",
    ]
    before = [
        f":{SERVER} 314 alice una una {host} * :Una X",
        f":{SERVER} 330 alice una una :was logged in as",
        f":{SERVER} 312 alice una {SERVER} :2030-05-01 12:00:00 UTC",
    ]
    for line in ("WHOWAS UNA", "WHOWAS UNA 0", "WHOWAS UNA -1", "WHOWAS UNA x", f"WHOWAS UNA 2 {SERVER}"):
        assert alice.ask(line) == [*latest, *before, f":{SERVER} 369 alice UNA :End of WHOWAS"]
    assert alice.ask("WHOWAS una 1") == [*latest, f":{SERVER} 369 alice una :End of WHOWAS"]
    mo = here.moderator()
    assert params_of(mo.ask("WHOWAS una 1"), "338")[1:] == ["una", "10.0.0.1", "is actually using host"]


def test_whowas_shows_the_addresses_of_all_devices(here: Here) -> None:
    """Also of devices that went before the user did. NICK, KILL and QUIT are remembered alike."""
    mo = here.moderator()
    first, second, third, _ = (here.member(address=f"10.0.0.{number}") for number in (1, 2, 3, 2))
    first.say("QUIT")
    third.say("QUIT")

    def addresses(nick: str) -> list[str]:
        return [line.split()[4] for line in mo.ask(f"WHOWAS {nick} 1") if " 338 " in line]

    second.say("NICK una2")
    assert addresses("una") == ["10.0.0.2", "10.0.0.3", "10.0.0.1"]
    mo.say("KILL una2 :x")
    assert addresses("una2") == ["10.0.0.2", "10.0.0.3", "10.0.0.1"]
    for number in range(30):
        one, other = (here.member("vic", address=f"10.0.1.{number + offset}") for offset in (0, 1))
        one.say("QUIT")
    other.say("QUIT")
    assert len(addresses("vic")) <= 11


def test_whowas_of_a_changed_nick(here: Here) -> None:
    """A nick that was changed is found; a new case is no change. 406 if no user had the nick."""
    alice = here.connect("alice")
    bob = here.connect("bob")
    bob.say("NICK Bob")
    assert verbs(alice.ask("WHOWAS bob")) == ["406", "369"]
    bob.say("NICK bert")
    assert params_of(alice.ask("WHOWAS bob"), "314")[1] == "Bob"
    assert alice.ask("WHOWAS NoOne") == [
        f":{SERVER} 406 alice NoOne :There was no such nickname",
        f":{SERVER} 369 alice NoOne :End of WHOWAS",
    ]
    for line in ("WHOWAS", "WHOWAS :"):
        assert alice.ask(line) == [f":{SERVER} 431 alice :No nickname given"]
    assert verbs(alice.ask("WHOWAS bob 1 other.example")) == ["402"]
