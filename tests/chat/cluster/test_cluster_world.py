"""What happens on one node is seen on the others."""

from __future__ import annotations

from harness.cluster_stage import ClusterStage


def test_a_message_reaches_the_members_on_all_nodes() -> None:
    """Each member reads it once, whichever node it is on, and all worlds are the same."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, cat = first.connect("ann"), second.connect("bob"), second.connect("cat")
    for person in (ann, bob, cat):
        person.say("JOIN #tea")
    for person in (ann, bob, cat):
        person.read()
    assert ann.say("PRIVMSG #tea :hello") == []
    assert [line.split(" ", 1)[1] for line in bob.read()] == ["PRIVMSG #tea :hello"]
    assert [line.split(" ", 1)[1] for line in cat.read()] == ["PRIVMSG #tea :hello"]
    cat.say("PRIVMSG ann :and to you")
    assert [line.split(" ", 1)[1] for line in ann.read()] == ["PRIVMSG ann :and to you"]
    assert bob.read() == []
    stage.check_same()


def test_a_nick_is_in_use_on_all_nodes() -> None:
    """A nick of another node's user is refused."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    first.connect("ann")
    bob = second.connect("bob")
    assert " 433 " in bob.say("NICK ann")[0]
    stage.check_same()


def test_coming_and_going_is_told_on_all_nodes() -> None:
    """JOIN, NICK, AWAY, TOPIC, MODE, KICK, PART and QUIT reach the others, in their order."""
    stage = ClusterStage()
    first, second, third = stage.add("a"), stage.add("b"), stage.add("c")
    ann = first.connect("ann")
    ann.say("JOIN #tea")
    bob = second.connect("bob", caps="away-notify")
    bob.say("JOIN #tea")
    cat = third.connect("cat")
    cat.say("JOIN #tea")
    stage.check_same()
    bob.read()
    ann.say("AWAY :out", "TOPIC #tea :green", "MODE #tea +v bob", "MODE #tea +b *!*@bad", "NICK anna")
    ann.say("KICK #tea cat :no")
    assert [line.split(" ")[1] for line in bob.read()] == ["AWAY", "TOPIC", "MODE", "MODE", "NICK", "KICK"]
    stage.check_same()
    ann.say("PART #tea", "QUIT :bye")
    assert [line.split(" ")[1] for line in bob.read()] == ["PART"]
    stage.check_same()
    assert third.world.find_user("anna") is None
    bob.say("PART #tea")
    stage.check_same()
    assert first.world.find_channel("#tea") is None


def test_a_late_node_is_the_same() -> None:
    """A node that joins from a snapshot has the same world, and goes on from there."""
    stage = ClusterStage()
    first = stage.add("a")
    ann = first.connect("ann")
    ann.say("JOIN #tea", "MODE #tea +ntjW 3:10 5", "TOPIC #tea :green", "MODE #tea +b bad!*@*", "JOIN #milk")
    second = stage.add("b")
    stage.check_same()
    bob = second.connect("bob")
    bob.say("JOIN #tea", "JOIN #milk")
    stage.check_same()
    assert [line.split(" ")[1] for line in ann.read()][-2:] == ["JOIN", "JOIN"]


def test_another_nodes_user_can_be_closed() -> None:
    """Its home tells it why and closes its connection."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob = first.connect("ann"), second.connect("bob")
    bob.say("JOIN #tea")
    ann.say("JOIN #tea")
    with first.turn():
        user = first.user("bob")
        first.world.close(user.sessions[0], "You are gone")
    assert bob.read()[-1].startswith("ERROR :Closing Link")
    assert bob.closed
    assert ann.read()[-1].split(" ", 1)[1] == "QUIT :You are gone"
    stage.check_same()


def test_the_people_of_a_dead_node_go() -> None:
    """The first node that has the turn ends their sessions."""
    stage = ClusterStage()
    first, second, third = stage.add("a"), stage.add("b"), stage.add("c")
    ann, bob, cat = first.connect("ann"), second.connect("bob"), third.connect("cat")
    for person in (ann, bob, cat):
        person.say("JOIN #tea")
        person.read()
    stage.nodes.remove(second)
    with first.turn():
        first.world.close_home(second.world.home, "b is gone")
    for person in (ann, cat):
        assert person.read()[-1].split(" ", 1)[1] == "QUIT :b is gone"
    assert first.world.homes() == {third.world.home}
    stage.check_same()


def test_a_session_that_ends_outside_a_turn_waits_for_one() -> None:
    """Until then its user is there for everybody."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann = first.connect("ann")
    with first.tick():
        first.world.close(ann.session, "Connection lost", lost=True)
    assert first.world.wants_turn
    assert ann.read() == []
    assert second.world.find_user("ann") is not None
    with first.turn():
        pass
    assert ann.closed
    assert second.world.find_user("ann") is None
    stage.check_same()
