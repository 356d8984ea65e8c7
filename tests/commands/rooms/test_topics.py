from __future__ import annotations

from harness.world import SERVER, Here, params_of, verbs


def test_topics_are_shown_set_and_removed(here: Here) -> None:
    """331 without a topic, 332 and 333 with one. An empty text removes it."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a")
    assert alice.ask("TOPIC #a") == [f":{SERVER} 331 alice #a :No topic is set"]
    assert alice.ask("TOPIC #a :cats and dogs") == [f":{alice.prefix} TOPIC #a :cats and dogs"]
    assert bob.ask("TOPIC #A") == [
        f":{SERVER} 332 bob #a :cats and dogs",
        f":{SERVER} 333 bob #a {alice.prefix} 1903867200",
    ]
    assert alice.ask("TOPIC #a :") == [f":{alice.prefix} TOPIC #a :"]
    assert verbs(alice.ask("TOPIC #a")) == ["331"]


def test_the_right_to_set_a_topic(here: Here) -> None:
    """With +t only operators set the topic (else 482), without it members (else 442). A moderator always may."""
    alice, bob, mo = here.connect("alice"), here.connect("bob"), here.moderator()
    alice.say("JOIN #a")
    assert bob.ask("TOPIC #a :x") == [f":{SERVER} 442 bob #a :You're not on that channel"]
    bob.say("JOIN #a")
    assert bob.ask("TOPIC #a :x")[-1] == f":{SERVER} 482 bob #a :You're not channel operator"
    alice.say("MODE #a -t")
    assert verbs(bob.ask("TOPIC #a :bob's"))[-1] == "TOPIC"
    assert mo.ask("TOPIC #a :mo's") == [f":{mo.prefix} TOPIC #a :mo's"]
    assert alice.read()[-1] == f":{mo.prefix} TOPIC #a :mo's"
    assert bob.ask("TOPIC #none :x") == [f":{SERVER} 403 bob #none :No such channel"]


def test_the_lobbys_topic_needs_an_operator(here: Here) -> None:
    """In a configured channel a guest's TOPIC is 482. An admin's topic survives a restart."""
    guest, ada = here.connect("guest"), here.admin()
    assert verbs(guest.ask("TOPIC #lobby :mine"))[-1] == "482"
    ada.say("TOPIC #lobby :welcome")
    here.restart()
    sent = here.open().ask("NICK new", "USER n 0 * :N")
    assert params_of(sent, "332") == ["new", "#lobby", "welcome"]


def test_a_topic_that_is_too_long_is_refused(here: Here) -> None:
    """The refusal names the limit, TOPICLEN, in bytes. The topic stays as it was."""
    alice = here.connect("alice")
    alice.say("JOIN #a", "TOPIC #a :" + "é" * 165)
    sent = alice.ask("TOPIC #a :" + "é" * 166)
    assert sent == [f":{SERVER} FAIL TOPIC INVALID_PARAMS :A topic has at most 330 bytes"]
    assert here.channel("#a").topic == "é" * 165


def test_a_stored_topic_is_told_once_it_is_stored(here: Here) -> None:
    """The members of a stored channel read a topic after the database has it."""
    una = here.member()
    una.say("JOIN #a")
    here.holding = True
    assert una.ask("TOPIC #a :kept") == []
    assert here.stores.channels.find("#a") is not None
    here.release()
    assert una.read() == [f":{una.prefix} TOPIC #a :kept"]
