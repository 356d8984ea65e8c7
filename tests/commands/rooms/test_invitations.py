from __future__ import annotations

from harness.world import SERVER, Here, verbs


def test_invitations_reach_who_is_invited(here: Here) -> None:
    """341 for who invites, INVITE for who is invited, 301 where they are away; 336 and 337 list them."""
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


def test_an_invitation_to_a_channel_that_ended_is_forgotten(here: Here) -> None:
    """A channel that ended, and one made anew under its name, invite nobody."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "INVITE bob #a", "PART #a")
    assert verbs(bob.ask("INVITE")) == ["337"]
    alice.say("JOIN #a", "MODE #a +i")
    assert verbs(bob.ask("JOIN #a")) == ["473"]


def test_who_may_invite(here: Here) -> None:
    """442 for strangers, 482 for members of a +i channel, 443 for who is there, 401, 403 and 461."""
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
    """Whoever is in the channel and negotiated invite-notify reads who was invited, once; others do not."""
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


def test_only_an_operators_invitation_opens_the_door(here: Here) -> None:
    """A plain member may ask somebody in, but not past the channel's ban, key or limit."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    alice.say("JOIN #a", "MODE #a +b carl!*@*")
    bob.say("JOIN #a", "INVITE carl #a")
    assert carl.read()[-1] == f":{bob.prefix} INVITE carl #a"
    assert verbs(carl.ask("JOIN #a")) == ["474"]
    alice.say("INVITE carl #a")
    assert verbs(carl.ask("JOIN #a"))[0] == "JOIN"
