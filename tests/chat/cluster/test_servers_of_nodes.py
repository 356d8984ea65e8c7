"""What people see of the nodes: LINKS, MAP, WHO, WHOIS, WHOWAS and LUSERS on worlds of several nodes."""

from __future__ import annotations

import pytest
from harness.cluster_stage import ClusterStage, Node
from harness.world import change_settings, params_of

from chatroom.chat.people.server import Server

A, B = "a.chat.example", "b.chat.example"


@pytest.fixture
def two() -> tuple[Node, Node]:
    """Two nodes with names of their own."""
    stage = ClusterStage()
    nodes = stage.add("a"), stage.add("b")
    for node, name in zip(nodes, (A, B), strict=True):
        node.world.settings = change_settings(node.world.settings, server={"name": name, "description": "A node"})
    return nodes


def test_each_node_names_the_server_of_a_user(two: tuple[Node, Node]) -> None:
    """WHO, WHOIS and WHOWAS say the same on both nodes."""
    a, b = two
    alice, bob = a.connect("alice"), b.connect("bob")
    assert params_of(alice.say("WHO bob"), "352")[4] == B
    for reader in (alice, bob):
        assert params_of(reader.say("WHOIS bob"), "312")[1:] == ["bob", B, "A node"]
        assert params_of(reader.say("WHOIS alice"), "312")[1:] == ["alice", A, "A node"]
    bob.say("NICK rob")
    assert params_of(alice.say("WHOWAS bob"), "312")[2] == B
    bob.say("QUIT")
    assert params_of(alice.say("WHOWAS rob"), "312")[2] == B


def test_links_map_and_lusers_have_all_nodes(two: tuple[Node, Node]) -> None:
    """The own one first. Clients of this node are counted apart from users of all."""
    a, b = two
    alice, bob = a.connect("alice"), b.connect("bob")
    b.connect("bea")
    assert [line.split()[3:5] for line in alice.say("LINKS") if " 364 " in line] == [[A, A], [B, A]]
    shown = [line.split(" :")[1] for line in alice.say("MAP") if " 006 " in line]
    assert shown == [f"{A} (1 user)", f"`-{B} (2 users)"]
    counts = alice.say("LUSERS")
    assert params_of(counts, "251")[1] == "There are 3 users and 0 invisible on 2 servers"
    assert params_of(counts, "255")[1] == "I have 1 clients and 1 servers"
    assert params_of(bob.say("LUSERS"), "265")[1:3] == ["2", "2"]


def test_a_device_that_leaves_is_counted_out(two: tuple[Node, Node]) -> None:
    """The most stays."""
    a, _ = two
    alice, gone = a.connect("alice"), a.connect("gone")
    gone.say("QUIT")
    assert params_of(alice.say("LUSERS"), "265")[1:3] == ["1", "2"]


def test_sessions_have_their_node_for_the_operator(two: tuple[Node, Node]) -> None:
    """Also the own ones. A server that was never heard of is named by its node."""
    a, b = two
    alice, bob = a.connect("alice"), b.connect("bob")
    assert [a.world.node_of(session) for session in a.world.sessions.values()] == ["a", "b"]
    assert [b.world.node_of(session) for session in b.world.sessions.values()] == ["a", "b"]
    assert list(a.world.own_sessions()) == [alice.session] and list(b.world.own_sessions()) == [bob.session]
    a.world.servers = {}
    assert params_of(alice.say("WHOIS bob"), "312")[2] == "b"


def test_a_node_is_known_from_its_first_turn_on(two: tuple[Node, Node]) -> None:
    """Whoever reads of its people has its server's name, before any heartbeat; later turns do not say it again."""
    a, b = two
    b.connect("bob")
    assert a.world.servers == {b.world.home: Server(B, "A node")}
    a.world.servers = {}
    b.connect("bea")
    assert a.world.servers == {}
    b.world.settings = change_settings(b.world.settings, server={"description": "Another text"})
    b.connect("ben")
    assert a.world.servers == {b.world.home: Server(B, "Another text")}


def test_nodes_of_one_name_are_one_server(two: tuple[Node, Node]) -> None:
    """Nobody could tell them apart."""
    a, b = two
    b.world.settings = change_settings(b.world.settings, server={"name": A})
    alice = a.connect("alice")
    b.connect("bob")
    assert [line.split(" :")[1] for line in alice.say("MAP") if " 006 " in line] == [f"{A} (2 users)"]
