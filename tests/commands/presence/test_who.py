from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.irc.message import parse


def who(lines: list[str]) -> list[list[str]]:
    """The parameters of each 352 or 354, without the reader's nick."""
    return [message.params[1:] for message in map(parse, lines) if message.verb in ("352", "354")]


def test_a_channels_members_are_listed_with_it(here: Here) -> None:
    """352 names the channel of the request and the flags in their order. 315 repeats the mask as given."""
    alice, mo, bob = here.connect("alice"), here.moderator(), here.connect("bob")
    for client in (alice, mo, bob):
        client.say("JOIN #other,#a")
    alice.say("MODE #a +vv mo alice")
    mo.say("AWAY :x", "MODE mo +B")
    sent = bob.ask("WHO #A")
    host = alice.user.host
    assert sent[0] == f":{SERVER} 352 bob #a alice {host} {SERVER} alice H@ :0 Real Name"
    assert [(row[4], row[5]) for row in who(sent)] == [("alice", "H@"), ("mo", "G*+B"), ("bob", "H")]
    assert sent[-1] == f":{SERVER} 315 bob #A :End of WHO list"
    bob.say("CAP REQ :multi-prefix")
    assert [row[5] for row in who(bob.ask("WHO #a"))] == ["H@+", "G*+B", "H"]


@pytest.mark.parametrize("mask", ["alice", "ALICE", "al*", "*lic?", "*", "0", "al", "*!al@*", "*.masked", "Alice L*"])
def test_a_user_is_found_by_nick_or_mask(here: Here, mask: str) -> None:
    """A user is found by nick, or by a mask that matches the nick, user name, host, real name or prefix."""
    here.connect("alice", realname="Alice Liddell").say("MODE alice -i")
    alice = here.user("alice")
    alice.username = "al"
    alice.rename("alice")
    bob = here.connect("bob")
    sent = bob.ask(f"WHO :{mask}") if " " in mask else bob.ask(f"WHO {mask}")
    assert "alice" in [row[4] for row in who(sent)]
    assert parse(sent[-1]).params[1] == (mask if " " not in mask else "*")


def test_invisible_users_are_found_by_their_nick_only(here: Here) -> None:
    """A mask finds an invisible user only for moderators and users that share a channel; so does a channel's name."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    bob.say("MODE bob -i", "JOIN #b")
    alice.say("MODE alice +i", "JOIN #b", "PART #lobby")
    bob.say("PART #lobby")
    carl = here.connect("carl")
    carl.say("PART #lobby")
    assert [row[4] for row in who(carl.ask("WHO alic?"))] == []
    assert [row[4] for row in who(carl.ask("WHO alice"))] == ["alice"]
    assert [row[4] for row in who(carl.ask("WHO #b"))] == ["bob"]
    assert [row[4] for row in who(bob.ask("WHO alic?"))] == ["alice"]
    assert [row[4] for row in who(bob.ask("WHO #b"))] == ["bob", "alice"]
    assert [row[4] for row in who(mo.ask("WHO alic?"))] == ["alice"]
    assert [row[4] for row in who(mo.ask("WHO #b"))] == ["bob", "alice"]


def test_a_secret_channel_shows_nothing_outside(here: Here) -> None:
    """From outside, a secret channel shows neither its members nor its name."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    alice.say("PART #lobby", "JOIN #s", "MODE #s +s")
    assert verbs(bob.ask("WHO #s")) == ["315"]
    assert who(bob.ask("WHO alice"))[0][0] == "*"
    assert who(mo.ask("WHO #s"))[0][0] == "#s"
    assert verbs(bob.ask("WHO #none")) == ["315"]


def test_operators_only(here: Here) -> None:
    """With o only the server's operators are listed: of a channel, of all users, and with WHOX."""
    here.connect("alice")
    here.moderator()
    bob = here.connect("bob")
    assert [row[4] for row in who(bob.ask("WHO * o"))] == ["mo"]
    assert [row[4] for row in who(bob.ask("WHO #lobby o"))] == ["mo"]
    assert who(bob.ask("WHO * o%n")) == [["mo"]]


def test_whox_gives_the_fields_in_their_order(here: Here) -> None:
    """WHOX sends the requested fields and no others, in its own order."""
    una = here.member(realname="Una X")
    una.say("JOIN #a", "PART #lobby")
    here.wait(7)
    bob = here.connect("bob", caps="multi-prefix")
    host = una.user.host
    fields = ["42", "#a", "una", "255.255.255.255", host, SERVER, "una", "H@", "0", "7", "una", "n/a", "Una X"]
    for letters in ("tcuihsnfdlaor", "roaldfnshiuct", "tcuihsnfdlaorxyz"):
        assert who(bob.ask(f"WHO una %{letters},42")) == [fields]
    for letter, field in zip("tcuihsnfdlaor", fields, strict=True):
        assert who(bob.ask(f"WHO una %{letter},42")) == [[field]]
    sent = bob.ask("WHO una %na")
    assert sent == [f":{SERVER} 354 bob una una", f":{SERVER} 315 bob una :End of WHO list"]
    assert bob.ask("WHO una %nr")[0] == f":{SERVER} 354 bob una :Una X"


def test_whox_fields_without_a_value(here: Here) -> None:
    """0 for no account and for an invalid token, * for no channel. Only the user and moderators see the address."""
    alice, mo = here.connect("alice", address="10.0.0.9"), here.moderator()
    alice.say("PART #lobby")
    assert who(alice.ask("WHO alice %tcia")) == [["0", "*", "10.0.0.9", "0"]]
    for token in ("1234", "x", "-1", ""):
        assert who(alice.ask(f"WHO alice %tn,{token}")) == [["0", "alice"]]
    assert who(alice.ask("WHO alice %tn,007")) == [["007", "alice"]]
    assert who(mo.ask("WHO alice %i")) == [["10.0.0.9"]]
    eve = here.connect("eve", address="::3")
    assert who(eve.ask("WHO eve %in")) == [["0::3", "eve"]]


def test_whox_has_a_line_for_each_address_of_a_user(here: Here) -> None:
    """A moderator who asks for addresses reads those of all devices, each once. Other answers have one line a user."""
    mo = here.moderator()
    for number in (7, 8, 8):
        here.member(address=f"10.0.0.{number}")
    bob = here.connect("bob")
    assert who(mo.ask("WHO una %in")) == [["10.0.0.7", "una"], ["10.0.0.8", "una"]]
    assert who(mo.ask("WHO una %n")) == [["una"]]
    assert who(bob.ask("WHO una %in")) == [["255.255.255.255", "una"]]
    assert verbs(mo.ask("WHO una")) == ["352", "315"]


def test_a_mask_lists_no_more_than_the_send_queue_holds(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A WHO of all users is cut to what fits into the send queue. A channel's members are not cut."""
    monkeypatch.setattr("chatroom.commands.context.Context.most_replies", 3)
    clients = [here.connect(f"n{number}") for number in range(5)]
    assert verbs(clients[0].ask("WHO *")) == ["352"] * 3 + ["315"]
    assert verbs(clients[0].ask("WHO #lobby")) == ["352"] * 5 + ["315"]


def test_names_shows_members_and_standings(here: Here) -> None:
    """353 with the channel's sign, then 366. All standings with multi-prefix, hosts with userhost-in-names."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a +v alice")
    bob.say("JOIN #a")
    assert bob.ask("NAMES #A") == [
        f":{SERVER} 353 bob = #a :@alice bob",
        f":{SERVER} 366 bob #a :End of NAMES list",
    ]
    bob.say("CAP REQ :multi-prefix userhost-in-names")
    assert params_of(bob.ask("NAMES #a"), "353")[-1] == f"@+{alice.prefix} {bob.prefix}"
    alice.say("MODE #a +s", "MODE alice +i")
    assert params_of(bob.ask("NAMES #a"), "353")[1] == "@"
    carl = here.connect("carl")
    for wanted in ("#a", "#none", "nothing", "*"):
        assert carl.ask(f"NAMES {wanted}") == [f":{SERVER} 366 carl {wanted} :End of NAMES list"]
    alice.say("MODE #a -s")
    assert params_of(carl.ask("NAMES #a"), "353")[-1] == "bob"
    assert carl.ask("NAMES") == [f":{SERVER} 366 carl * :End of NAMES list"]


def test_many_names_take_several_lines(here: Here) -> None:
    """With long nicks and a long channel name, all members are listed and no line is cut."""
    nicks = [f"{'n' * 29}{number:03d}" for number in range(40)]
    name = "#" + "c" * 63
    clients = [here.connect(nick) for nick in nicks]
    for client in clients:
        client.say(f"JOIN {name}")
    sent = clients[0].ask(f"NAMES {name}")
    listed = [word.lstrip("@") for line in sent for word in parse(line).params[-1].split() if parse(line).verb == "353"]
    assert listed == nicks
    assert verbs(sent)[-1] == "366"


@pytest.mark.parametrize("cap", ["no-implicit-names", "draft/no-implicit-names"])
def test_names_on_request_only(here: Here, cap: str) -> None:
    """With no-implicit-names, JOIN is followed by the topic only. NAMES still answers."""
    alice = here.connect("alice")
    alice.say("JOIN #a", "TOPIC #a :Tea")
    bob = here.connect("bob", caps=cap)
    assert verbs(bob.ask("JOIN #a")) == ["JOIN", "332", "333"]
    assert verbs(bob.ask("NAMES #a")) == ["353", "366"]
