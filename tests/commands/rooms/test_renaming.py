from __future__ import annotations

from harness.world import SERVER, Here, params_of, verbs

from chatroom.chat.people.channel import OP

CAP = "draft/channel-rename"


def test_with_the_capability_a_session_reads_one_line(here: Here) -> None:
    """Sessions with the capability read RENAME with both names and the reason. Modes, topic and members stay."""
    alice, bob = here.connect("alice", caps=CAP), here.connect("bob", caps=CAP)
    alice.say("JOIN #old", "MODE #old +ib x!*@*", "TOPIC #old :tea", "INVITE bob #old")
    bob.say("JOIN #old")
    here.forget_unread()
    told = [f":{alice.prefix} RENAME #old #new :a typo"]
    assert alice.ask("RENAME #OLD #new :a typo") == told
    assert bob.read() == told
    assert here.world.find_channel("#old") is None
    channel = here.channel("#new")
    assert channel.members == {alice.user: OP, bob.user: 0}
    assert (channel.flags, channel.topic) == (frozenset("int"), "tea")
    assert [entry.mask for entry in channel.entries("b")] == ["x!*@*"]
    bob.say("PRIVMSG #new :hi")
    assert alice.read() == [f":{bob.prefix} PRIVMSG #new :hi"]
    assert alice.ask("RENAME #new #newer") == [f":{alice.prefix} RENAME #new #newer :"]


def test_without_the_capability_a_session_reads_part_and_join(here: Here) -> None:
    """Sessions without it, the renaming one too, read their own PART and JOIN, then the topic and the names."""
    alice, una = here.connect("alice"), here.member(caps="extended-join")
    alice.say("JOIN #old", "TOPIC #old :tea")
    una.say("JOIN #old")
    here.forget_unread()
    assert alice.ask("RENAME #old #new :typo") == [
        f":{alice.prefix} PART #old :typo",
        f":{alice.prefix} JOIN #new",
        f":{SERVER} 332 alice #new :tea",
        f":{SERVER} 333 alice #new {alice.prefix} 1903867200",
        f":{SERVER} 353 alice = #new :@alice una",
        f":{SERVER} 366 alice #new :End of NAMES list",
    ]
    sent = una.read()
    assert sent[:2] == [f":{una.prefix} PART #old :typo", f":{una.prefix} JOIN #new una :Real Name"]
    assert verbs(sent[2:]) == ["332", "333", "353", "366"]
    assert alice.ask("RENAME #new #newer")[0] == f":{alice.prefix} PART #new"


def test_another_case_of_the_name_is_no_other_channel(here: Here) -> None:
    """A new case of the name is allowed. Sessions without the capability read nothing of it."""
    alice, bob = here.connect("alice", caps=CAP), here.connect("bob")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    here.forget_unread()
    assert alice.ask("RENAME #a #A") == [f":{alice.prefix} RENAME #a #A :"]
    assert bob.read() == []
    assert here.channel("#a").name == "#A"


def test_refused_renames(here: Here) -> None:
    """461, 403, 442 and 482; FAIL for a name in use, an invalid name, and a configured channel."""
    alice, bob, ada = here.connect("alice", caps=CAP), here.connect("bob"), here.admin()
    alice.say("JOIN #a", "JOIN #b")
    alice.read()
    assert alice.ask("RENAME #a") == [f":{SERVER} 461 alice RENAME :Not enough parameters"]
    assert alice.ask("RENAME #none #x") == [f":{SERVER} 403 alice #none :No such channel"]
    assert bob.ask("RENAME #a #x")[-1] == f":{SERVER} 442 bob #a :You're not on that channel"
    bob.say("JOIN #a")
    assert bob.ask("RENAME #a #x")[-1] == f":{SERVER} 482 bob #a :You're not channel operator"
    alice.read()
    for name in ("#B", "#a"):
        assert params_of(alice.ask(f"RENAME #a {name}"), "FAIL")[:4] == ["RENAME", "CHANNEL_NAME_IN_USE", "#a", name]
    for name in ("a", "#", "&a", "#" + "x" * 64):
        assert params_of(alice.ask(f"RENAME #a {name}"), "FAIL")[:4] == ["RENAME", "CANNOT_RENAME", "#a", name]
    assert params_of(alice.ask("RENAME #a :#x y"), "FAIL")[:4] == ["RENAME", "CANNOT_RENAME", "#a", "*"]
    assert params_of(ada.ask("RENAME #lobby #hall"), "FAIL")[:3] == ["RENAME", "CANNOT_RENAME", "#lobby"]
    assert params_of(ada.ask("RENAME #a #LOBBY"), "FAIL")[1] == "CHANNEL_NAME_IN_USE"


def test_a_moderator_renames_from_outside(here: Here) -> None:
    """The moderator reads a notice, the members read RENAME."""
    alice, mo = here.connect("alice", caps=CAP), here.moderator(caps=CAP)
    alice.say("JOIN #a")
    alice.read()
    assert mo.ask("RENAME #a #b :nicer") == [f":{SERVER} NOTICE mo :#a is now #b"]
    assert alice.read() == [f":{mo.prefix} RENAME #a #b :nicer"]


def test_a_stored_channel_is_renamed_in_the_database(here: Here) -> None:
    """After a restart the channel has only its new name, its founder, and the changes made just before."""
    una = here.member()
    una.say("JOIN #a", "JOIN #b", "MODE #b +f #a")
    with here.tick():
        una.say("TOPIC #a :tea", "RENAME #a #new", "MODE #new +m")
    assert here.stores.channels.find("#a") is None
    entries = here.stores.audit.list_entries(actor="una")
    assert [(entry.target, entry.detail) for entry in entries if entry.action == "channel.rename"] == [("#a", "#new")]
    una.say("QUIT")
    here.restart()
    assert here.world.find_channel("#a") is None
    assert here.channel("#b").forward == "#new"
    una = here.member()
    una.say("JOIN #new")
    channel = here.channel("#new")
    assert (channel.topic, channel.members[una.user], "m" in channel.flags) == ("tea", OP, True)


def test_a_change_that_is_being_saved_is_told_under_the_new_name(here: Here) -> None:
    """A change that is told after a RENAME names the channel by its new name."""
    una, ben = here.member(), here.member("ben", caps=CAP)
    una.say("JOIN #a")
    ben.say("JOIN #a")
    una.say("MODE #a +o ben")
    here.forget_unread()
    here.holding = True
    una.say("TOPIC #a :tea")
    ben.say("RENAME #a #b")
    assert verbs(ben.read()) == ["RENAME"]
    here.release()
    assert ben.read() == [f":{una.prefix} TOPIC #b :tea"]


def test_a_rename_is_no_part_of_a_labelled_answer_under_way(here: Here) -> None:
    """PART and JOIN for another user's RENAME are not part of the labelled answer."""
    una, ben = here.member(caps="batch labeled-response"), here.member("ben")
    una.say("JOIN #a")
    ben.say("JOIN #a")
    una.say("MODE #a +o ben")
    here.forget_unread()
    here.holding = True
    una.say("@label=x TOPIC #a :tea")
    ben.say("RENAME #a #b")
    assert verbs(una.read())[:2] == ["PART", "JOIN"]
    here.release()
    assert una.read() == [f"@label=x :{una.prefix} TOPIC #b :tea"]
