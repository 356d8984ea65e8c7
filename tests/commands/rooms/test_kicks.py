from __future__ import annotations

from harness.world import SERVER, Here, verbs


def test_a_kick_removes_with_a_reason(here: Here) -> None:
    """An operator kicks several users in one line. All members read it, and a kicked user may join again."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    for client in (alice, bob, carl):
        client.say("JOIN #a")
    here.forget_unread()
    told = [f":{alice.prefix} KICK #a bob :too loud", f":{alice.prefix} KICK #a carl :too loud"]
    assert alice.ask("KICK #a BOB,carl :too loud") == told
    assert bob.read() == told[:1]
    assert carl.read() == told
    assert list(here.channel("#a").members) == [alice.user]
    assert verbs(bob.ask("JOIN #a"))[0] == "JOIN"
    assert alice.ask("KICK #a bob")[-1] == f":{alice.prefix} KICK #a bob :alice"


def test_the_right_to_kick_in_a_channel(here: Here) -> None:
    """442 outside the channel, 482 without +o; 441 and 401 for a target that is not there; 403 for no channel."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    here.connect("carl")
    alice.say("JOIN #a")
    assert bob.ask("KICK #a alice") == [f":{SERVER} 442 bob #a :You're not on that channel"]
    bob.say("JOIN #a")
    assert bob.ask("KICK #a alice")[-1] == f":{SERVER} 482 bob #a :You're not channel operator"
    alice.read()
    assert alice.ask("KICK #a carl") == [f":{SERVER} 441 alice carl #a :They aren't on that channel"]
    assert alice.ask("KICK #a nobody") == [f":{SERVER} 401 alice nobody :No such nick/channel"]
    assert alice.ask("KICK #none bob") == [f":{SERVER} 403 alice #none :No such channel"]
    assert mo.ask("KICK #a bob") == [f":{mo.prefix} KICK #a bob :mo"]
    assert verbs(here.connect("guest").ask("KICK #lobby mo")) == ["482"]


def test_a_channel_kick_is_in_the_audit(here: Here) -> None:
    """The audit records who kicked whom out of which channel."""
    una = here.member()
    here.connect("bob").say("JOIN #lobby")
    ada = here.admin()
    ada.say("KICK #lobby bob :spam")
    entry = here.stores.audit.list_entries(actor="ada")[-1]
    assert (entry.action, entry.target, entry.detail) == ("channel.kick", "#lobby", "bob: spam")
    assert una.read()[-1] == f":{ada.prefix} KICK #lobby bob :spam"


def test_what_guests_do_in_a_channel_of_their_own_is_not_in_the_audit(here: Here) -> None:
    """Nothing of the audit is ever deleted, so guests could fill it. What a moderator does there is in it."""
    alice, mo, bob = here.connect("alice"), here.moderator(), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    alice.say("KICK #a bob :bye", "RENAME #a #b", "RENAME #b #a")
    assert here.stores.audit.list_entries(actor="alice") == []
    bob.say("JOIN #a")
    mo.say("JOIN #a", "KICK #a bob :spam", "RENAME #a #c")
    assert [entry.action for entry in here.stores.audit.list_entries(actor="mo")] == ["channel.kick", "channel.rename"]


def test_users_are_kicked_out_of_several_channels_at_once(here: Here) -> None:
    """With as many channels as nicks, each pair is a kick; other numbers are 461. A channel is refused once."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    for client in (alice, bob, carl):
        client.say("JOIN #a,#b")
    carl.say("JOIN #c")
    here.forget_unread()
    assert alice.ask("KICK #a,#B bob,carl :out") == [
        f":{alice.prefix} KICK #a bob :out",
        f":{alice.prefix} KICK #b carl :out",
    ]
    assert alice.ask("KICK #a,#b bob") == [f":{SERVER} 461 alice KICK :Not enough parameters"]
    assert alice.ask("KICK #a,#b bob,carl,alice") == [f":{SERVER} 461 alice KICK :Not enough parameters"]
    assert alice.ask("KICK #a :") == [f":{SERVER} 461 alice KICK :Not enough parameters"]
    assert verbs(alice.ask("KICK #c carl,bob")) == ["442"]
    assert verbs(alice.ask("KICK #none,#a carl,carl")) == ["403", "KICK"]
