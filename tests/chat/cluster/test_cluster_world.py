"""What happens on one node is seen on the others."""

from __future__ import annotations

from harness.cluster_stage import ClusterStage

from chatroom.chat.admission.lockdown import Lockdown
from chatroom.chat.cluster.applying import apply
from chatroom.chat.cluster.lost_home import close_home
from chatroom.chat.cluster.snapshot import load_snapshot, reset, snapshot_to_document
from chatroom.chat.cluster.turn_records import Record
from chatroom.chat.farewell import end_all
from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.relief import relieve
from chatroom.chat.stored.records import AccountEntry, Role


def test_a_message_reaches_the_members_on_all_nodes() -> None:
    """Each member reads it once, whichever node it is on, and all worlds are the same."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, cat = first.connect("ann"), second.connect("bob"), second.connect("cat")
    stage.gather(ann, bob, cat)
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
    stage.gather(ann, bob, cat)
    stage.nodes.remove(second)
    with first.turn():
        close_home(first.world, second.world.home, "b is gone")
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


def test_the_end_of_a_node_is_told_on_the_others_only() -> None:
    """Its own sessions do not read of each other; the others read that each has quit."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, amy, bob = first.connect("ann"), first.connect("amy"), second.connect("bob")
    stage.gather(ann, amy, bob)
    with first.turn():
        end_all(first.world, "The server stops", lambda _: True)
    assert (first.world.is_leaving, first.world.runtime.is_ending) == (True, False)
    for person in (ann, amy):
        assert [line.split(" ")[1] for line in person.read()] == ["NOTICE", ":Closing"]
        assert person.closed
    assert [line.split(" ", 1)[1] for line in bob.read()] == ["QUIT :The server stops"] * 2
    assert not second.world.homes()


def test_an_invitation_is_told_on_all_nodes() -> None:
    """The invited user and the members with invite-notify read it, and it lets the user in."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, cat = first.connect("ann"), second.connect("bob"), second.connect("cat", caps="invite-notify")
    stage.gather(ann, cat)
    ann.say("MODE #tea +i")
    cat.read()
    ann.say("INVITE bob #tea")
    for person in (bob, cat):
        assert [line.split(" ", 1)[1] for line in person.read()] == ["INVITE bob #tea"]
    stage.check_same()
    assert bob.say("JOIN #tea")[0].endswith("JOIN #tea")
    stage.check_same()


def test_a_monitored_user_is_seen_from_all_nodes() -> None:
    """MONITOR tells of users of other nodes: that they come and go, are away, and their metadata."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    eye = first.connect("eye", caps="extended-monitor away-notify batch draft/metadata-3")
    eye.say("MONITOR + ann,anna", "METADATA * SUB url")
    eye.read()
    ann = second.connect("ann")
    ann.say("AWAY :out", "METADATA * SET url :there", "NICK anna")
    read = eye.read()
    assert [line.split(" ")[1] for line in read] == ["730", "AWAY", "761", "731", "730", "761"]
    ann.say("QUIT")
    assert [line.split(" ")[1] for line in eye.read()] == ["731"]
    stage.check_same()


def test_a_lockdown_holds_on_all_nodes() -> None:
    """It is set by one node, and a node that joins later knows it, too."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    with first.turn():
        first.world.lockdown.set(Lockdown.ON, None, "ann")
    third = stage.add("c")
    for node in (first, second, third):
        assert node.world.lockdown.at(stage.wall_ms) is Lockdown.ON
        assert node.world.lockdown.set_by == "ann"


def test_an_account_has_sessions_on_several_nodes() -> None:
    """They share the nick and what they are told; one can end, and its user stays."""
    account = AccountEntry(1, "ann", Role.MODERATOR, False)
    stage = ClusterStage(accounts=(account,))
    first, second = stage.add("a"), stage.add("b")
    here, there = first.connect("ann", account=account), second.connect("ann", account=account)
    bob = second.connect("bob")
    stage.check_same()
    assert len(first.user("ann").sessions) == len(second.user("ann").sessions) == 2
    here.say("JOIN #tea")
    there.read()
    bob.say("JOIN #tea", "PRIVMSG #tea :one", "PRIVMSG ann :two")
    for person in (here, there):
        assert [line.split(" ", 1)[1] for line in person.read()][-2:] == ["PRIVMSG #tea :one", "PRIVMSG ann :two"]
    there.say("MODE ann -o", "AWAY :out", "MARKREAD #tea timestamp=2030-05-01T12:00:00.001Z")
    stage.check_same()
    assert first.user("ann").is_operator
    there.say("QUIT")
    stage.check_same()
    assert bob.say("PRIVMSG #tea :three") == []
    assert here.read()[-1].endswith("PRIVMSG #tea :three")
    here.say("PART #tea")
    stage.check_same()


def test_what_does_not_fit_is_left_out() -> None:
    """An unknown kind is ignored, an impossible record is logged, and the records behind it are applied."""
    stage = ClusterStage()
    first = stage.add("a")
    ann = first.connect("ann")
    records: list[Record] = [
        ["of tomorrow", 1],
        ["part", "#tea", "nobody"],
        ["mode"],
        ["line", ann.session.id, 9, "x\r\n"],
    ]
    world = first.world
    world.begin_tick(stage.wall_ms, stage.mono_ms)
    apply(world, "b/2", records)
    assert sum("does not fit" in line for line in world.log_lines) == 2
    assert [data for _, data in world.outbox.drain()] == [b"x\r\n"]
    assert not world.wants_turn


def test_a_reset_world_is_filled_anew() -> None:
    """Its registered sessions end and read why; those that are not registered stay; the snapshot brings the others."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob, new = first.connect("ann"), second.connect("bob"), second.open()
    stage.gather(ann, bob)
    with second.tick():
        reset(second.world, "The server has lost the others")
    assert bob.read() == [f"ERROR :Closing Link: {bob.session.address_text} (The server has lost the others)"]
    assert (bob.closed, new.closed) == (True, False)
    assert (second.world.users, second.world.channels) == ({}, {})
    stage.nodes.remove(second)
    with first.turn():
        close_home(first.world, second.world.home, "b is gone")
    stage.nodes.append(second)
    with first.tick(), second.tick():
        load_snapshot(second.world, snapshot_to_document(first.world))
    stage.check_same()
    new.say("NICK cat", "USER cat 0 * :Cat", "JOIN #tea")
    assert ann.read()[-1].endswith("JOIN #tea")
    stage.check_same()


def test_a_request_can_be_decided_on_another_node() -> None:
    """The other nodes know which session waits for which request, and nothing of its password."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann = first.connect("ann")
    with first.turn():
        ann.session.held = HeldRegistration("ann", None, "secret")
    (shadow,) = second.user("ann").sessions
    assert [shadow.held] == [None]
    with first.turn():
        ann.session.held = HeldRegistration("ann", None, "", 7)
    assert shadow.held == HeldRegistration("ann", None, "", 7)
    stage.check_same()


def test_an_event_of_many_channels_is_recorded_once() -> None:
    """Who quits is told of with one event, whatever the number of channels, and each member reads it once."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob = first.connect("ann"), second.connect("bob")
    for person in (ann, bob):
        person.say(*(f"JOIN #tea{number}" for number in range(20)))
    bob.read()
    stage.holding = True
    ann.say("QUIT :See you")
    ((_, data),) = second.behind
    assert data.count(b"See you") == 1
    second.catch_up()
    assert [line.split(" ", 1)[1] for line in bob.read()] == ["QUIT :Quit: See you"]
    stage.check_same()


def test_rights_are_changed_from_another_node() -> None:
    """A login ends on all nodes, with the rights that came with it, whichever node ends it."""
    account = AccountEntry(1, "ann", Role.MODERATOR, False)
    stage = ClusterStage(accounts=(account,))
    first, second = stage.add("a"), stage.add("b")
    ann = first.connect("ann", account=account)
    with first.turn():
        first.world.online.set_oper(first.user("ann"), ann.session, AccountEntry(2, "root", Role.ADMIN, False))
    stage.check_same()
    assert second.user("ann").role is Role.ADMIN
    with second.turn():
        second.world.set_account(second.user("ann"), None)
    stage.check_same()
    assert ann.session.oper is None
    assert [first.world.online.operators, first.world.online.opered] == [{}, {}]
    with second.turn():
        second.world.set_account(second.user("ann"), account)
        second.world.online.step_down(second.user("ann"), second.user("ann").sessions[0])
    stage.check_same()
    assert ann.session.stepped_down


def test_who_monitors_itself_reads_that_another_node_has_ended_it() -> None:
    """As with a lone daemon: its own nick is offline before its connection is closed."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann = first.connect("ann")
    ann.say("MONITOR + ann")
    with second.turn():
        second.world.close_user(second.user("ann"), "Killed", "Killed")
    assert [line.split(" ")[1] for line in ann.read()] == ["731", ":Closing"]


def test_a_turn_without_a_change_tells_the_others_nothing() -> None:
    """As one that only answers a client. What it has numbered does not count as known to the others."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann = first.connect("ann")
    before, stage.holding = stage.last_seq, True
    assert ann.say("VERSION")
    new = first.open()
    assert new.say("CAP LS 302", "NICK new")
    assert (second.behind, stage.last_seq, first.world.last_seq) == ([], before, before)
    ann.say("PRIVMSG ann :me")
    assert len(second.behind) == 1
    stage.check_same()


def test_relief_outside_a_turn_ends() -> None:
    """A session whose end waits for a turn is no cause once more: the hub would try for ever."""
    stage = ClusterStage()
    first = stage.add("a")
    ann = first.connect("ann")
    with first.tick():
        ann.session.heard_mono_ms = first.world.mono_ms
        assert [relieve(first.world), relieve(first.world)] == [True, False]
        first.world.log_lines = []
    with first.turn():
        pass
    assert ann.closed


def test_an_event_for_one_client_has_a_msgid_of_its_own() -> None:
    """A client takes a second line with a msgid for one that it has read."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob = first.connect("ann", caps="message-tags"), second.connect("bob", caps="message-tags")
    wall_ms = stage.wall_ms
    told = ann.say("PRIVMSG NickServ :HELP")
    stage.wall_ms = wall_ms  # in one millisecond
    told += bob.say("PRIVMSG NickServ :HELP")
    msgids = [line.partition("msgid=")[2].partition(" ")[0] for line in told if "msgid=" in line]
    assert len(msgids) == len(set(msgids)) > 1


def test_the_people_of_a_dead_node_go_in_one_order() -> None:
    """In the order in which they came, also if a node does it that has them from a snapshot."""
    stage = ClusterStage()
    stage.add("a")
    second = stage.add("b")
    zoe, _ = second.connect("zoe"), second.connect("amy")
    zoe.say("NICK zed")  # the snapshot has her behind amy
    third = stage.add("c")
    stage.nodes.remove(second)
    with third.turn():
        close_home(third.world, second.world.home, "b is gone")
    assert [entry[0] for entry in third.world.whowas.to_state()] == ["zoe", "zed", "amy"]
    stage.check_same()
