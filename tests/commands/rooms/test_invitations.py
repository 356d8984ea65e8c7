from __future__ import annotations

from harness.world import SERVER, Here, verbs


def test_an_invitation_reaches_its_target(here: Here) -> None:
    """The inviting user reads 341, and 301 if the target is away. The target reads INVITE; 336 and 337 list it."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("AWAY :at lunch")
    bob.read()
    assert alice.ask("INVITE BOB #A") == [
        f":{SERVER} 341 alice bob #a",
        f":{SERVER} 301 alice bob :at lunch",
    ]
    assert bob.read() == [f":{alice.prefix} INVITE bob #a"]
    assert bob.ask("INVITE") == [f":{SERVER} 336 bob #a", f":{SERVER} 337 bob :End of INVITE list"]
    bob.say("JOIN #a")
    assert verbs(bob.ask("INVITE")) == ["337"]


def test_an_invitation_ends_with_its_channel(here: Here) -> None:
    """An invitation ends with its channel and does not count for a new channel of that name."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "INVITE bob #a", "PART #a")
    assert verbs(bob.ask("INVITE")) == ["337"]
    alice.say("JOIN #a", "MODE #a +i")
    assert verbs(bob.ask("JOIN #a")) == ["473"]


def test_the_right_to_invite(here: Here) -> None:
    """442 outside the channel, 482 without +o in a +i channel, 443 for a member; 401, 403 and 461."""
    alice, bob = here.connect("alice"), here.connect("bob")
    here.connect("carl")
    alice.say("JOIN #a")
    assert bob.ask("INVITE carl #a") == [f":{SERVER} 442 bob #a :You're not on that channel"]
    bob.say("JOIN #a")
    assert verbs(bob.ask("INVITE carl #a"))[-1] == "341"
    alice.say("MODE #a +i")
    assert verbs(bob.ask("INVITE carl #a"))[-1] == "482"
    assert bob.ask("INVITE alice #a")[-1:] == [f":{SERVER} 482 bob #a :You're not channel operator"]
    alice.read()
    assert alice.ask("INVITE bob #a") == [f":{SERVER} 443 alice bob #a :is already on channel"]
    assert alice.ask("INVITE nobody #a") == [f":{SERVER} 401 alice nobody :No such nick/channel"]
    assert alice.ask("INVITE carl #none") == [f":{SERVER} 403 alice #none :No such channel"]
    assert alice.ask("INVITE carl") == [f":{SERVER} 461 alice INVITE :Not enough parameters"]


def test_members_with_invite_notify_read_of_invitations(here: Here) -> None:
    """Members with invite-notify read an invitation, once. Other members and other users do not."""
    ops, member = here.connect("ops", caps="invite-notify"), here.connect("member", caps="invite-notify")
    plain, stranger = here.connect("plain"), here.connect("stranger", caps="invite-notify")
    alice, bob = here.connect("alice", caps="invite-notify"), here.connect("bob", caps="invite-notify")
    for client in (ops, member, plain, alice):
        client.say("JOIN #a")
    ops.say("MODE #a +o alice")
    here.forget_unread()
    assert alice.ask("INVITE bob #a") == [f":{SERVER} 341 alice bob #a"]
    told = [f":{alice.prefix} INVITE bob #a"]
    assert ops.read() == member.read() == bob.read() == told
    assert plain.read() == stranger.read() == []


def test_only_an_operators_invitation_overrides_the_modes(here: Here) -> None:
    """The invitation of a member without +o does not override a ban, a key or a limit."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    alice.say("JOIN #a", "MODE #a +b carl!*@*")
    bob.say("JOIN #a", "INVITE carl #a")
    assert carl.read()[-1] == f":{bob.prefix} INVITE carl #a"
    assert verbs(carl.ask("JOIN #a")) == ["474"]
    alice.say("INVITE carl #a")
    assert verbs(carl.ask("JOIN #a"))[0] == "JOIN"
