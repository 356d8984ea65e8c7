from __future__ import annotations

from harness.world import SERVER, Here, params_of, verbs

from chatroom.chat.people.channel import OP, VOICE


def test_standings_are_given_and_taken(here: Here) -> None:
    """+o and +v are told with the nick in its own case. 401 and 441 for a target that is not there."""
    alice, bob = here.connect("alice"), here.connect("Bob")
    here.connect("carl")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    assert alice.ask("MODE #a +ov bob BOB")[-1] == f":{alice.prefix} MODE #a +ov Bob Bob"
    assert here.channel("#a").members[bob.user] == OP | VOICE
    assert alice.ask("MODE #a +o carl") == [f":{SERVER} 441 alice carl #a :They aren't on that channel"]
    assert alice.ask("MODE #a +v nobody") == [f":{SERVER} 401 alice nobody :No such nick/channel"]
    assert params_of(alice.ask("MODE #a +o"), "696")[:4] == ["alice", "#a", "o", "*"]
    assert bob.ask("MODE #a -o alice")[-1] == f":{bob.prefix} MODE #a -o alice"
    assert verbs(alice.ask("MODE #a +o carl")) == ["482"]


def test_accounts_regain_their_standing(here: Here) -> None:
    """An account gets +o or +v back when it joins again, also after a restart. A guest does not, nor does a lost +o."""
    una, ben, vic, guest = here.member(), here.member("ben"), here.member("vic"), here.connect("guest")
    for client in (una, ben, vic, guest):
        client.say("JOIN #a")
    una.say("MODE #a +oovo ben guest vic vic", "MODE #a -o vic", "MODE #a +m")
    for client in (una, ben, vic, guest):
        client.say("QUIT")
    here.restart()
    guest = here.connect("guest")
    guest.say("JOIN #a")
    assert here.channel("#a").members[guest.user] == 0
    assert "m" in here.channel("#a").flags
    guest.read()
    for name, letter, sign in (("una", "o", "@"), ("ben", "o", "@"), ("vic", "v", "+")):
        client = here.connect(name, login=name)
        guest.read()
        sent = client.ask("JOIN #a")
        assert f"{sign}{name}" in params_of(sent, "353")[-1].split()
        assert guest.read() == [f":{client.prefix} JOIN #a", f":{SERVER} MODE #a +{letter} {name}"]


def test_the_founder_stays_operator_even_when_deopped(here: Here) -> None:
    """A founder without +o has it again after the next JOIN."""
    una, ben = here.member(), here.member("ben")
    una.say("JOIN #a")
    ben.say("JOIN #a")
    una.say("MODE #a +o ben")
    ben.say("MODE #a -o una")
    assert here.channel("#a").members[una.user] == 0
    una.say("PART #a", "JOIN #a")
    assert here.channel("#a").members[una.user] == OP


def test_being_first_in_a_configured_channel_gives_nothing(here: Here) -> None:
    """The first member of a configured channel gets no +o. An admin may give it, and the account regains it."""
    una = here.member()
    assert here.channel("#lobby").members[una.user] == 0
    assert verbs(una.ask("MODE #lobby +m")) == ["482"]
    ada = here.admin()
    ada.say("MODE #lobby +o una")
    assert here.channel("#lobby").members[una.user] == OP
    una.say("QUIT")
    assert here.channel("#lobby").members[here.member().user] == OP


def test_a_guests_channel_ends_with_its_last_member(here: Here) -> None:
    """A guest operates the channel it created. When the channel is empty it ends, with all its modes."""
    alice = here.connect("alice")
    alice.say("JOIN #a", "MODE #a +kib x *!*@*", "PART #a")
    assert here.world.find_channel("#a") is None
    bob = here.connect("bob")
    bob.say("JOIN #a")
    assert here.channel("#a").members[bob.user] == OP
