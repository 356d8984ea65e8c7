"""What people see of the nodes: LINKS, MAP, WHO, WHOIS, WHOWAS and LUSERS on worlds of several nodes."""

from __future__ import annotations

import pytest
from harness.cluster_stage import ClusterStage, Node
from harness.world import params_of

from chatroom.chat.people.server import Server


@pytest.fixture
def two() -> tuple[Node, Node]:
    """Two nodes, which know each other's servers as the hub tells them."""
    stage = ClusterStage()
    nodes = stage.add("a"), stage.add("b")
    for node in nodes:
        node.world.servers = {one.world.home: Server(f"{one.world.node}.chat.example", "A node") for one in nodes}
    return nodes


def test_each_node_names_the_server_of_a_user(two: tuple[Node, Node]) -> None:
    """Its own by its own name; WHO, WHOIS and WHOWAS say the same on another node."""
    a, b = two
    alice, bob = a.connect("alice"), b.connect("bob")
    own = a.world.settings.server.name
    assert params_of(alice.say("WHO bob"), "352")[4] == "b.chat.example"
    assert params_of(alice.say("WHOIS bob"), "312")[1:] == ["bob", "b.chat.example", "A node"]
    assert params_of(alice.say("WHOIS alice"), "312")[2] == own
    assert params_of(bob.say("WHOIS alice"), "312")[2] == "a.chat.example"
    bob.say("NICK rob")
    assert params_of(alice.say("WHOWAS bob"), "312")[2] == own  # the name that b has of itself
    bob.say("QUIT")
    assert params_of(alice.say("WHOWAS rob"), "312")[2] == own


def test_links_map_and_lusers_have_all_nodes(two: tuple[Node, Node]) -> None:
    """The own one first. Clients of this node are counted apart from users of all."""
    a, b = two
    alice, bob = a.connect("alice"), b.connect("bob")
    b.connect("bea")
    links = [line.split()[3:5] for line in alice.say("LINKS") if " 364 " in line]
    own = a.world.settings.server.name
    assert links == [[own, own], ["b.chat.example", own]]
    assert [line.split(" :")[1] for line in alice.say("MAP") if " 006 " in line] == [
        f"{own} (1 user)",
        "`-b.chat.example (2 users)",
    ]
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
