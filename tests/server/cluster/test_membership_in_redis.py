"""Who is a node, on a real Redis: joining, leases, leaving, and worlds for those that join."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.daemon import until
from harness.node_links import NodeLink, Nodes

from chatroom.chat.cluster.told import Told
from chatroom.errors import Fenced, NodeRuns
from chatroom.server.cluster.cluster_contract import Snapshot

pytestmark = pytest.mark.debian("redis-server")


def test_the_first_node_makes_the_world(nodes: Nodes) -> None:
    """The others take it from a node that has one."""
    nodes.begin()
    a, b, c = (nodes.make(name) for name in "abc")
    joined = a.enter(is_ready=False)
    assert (joined.is_first, joined.position, joined.home) == (True, 0, f"a/{joined.epoch}")
    assert not b.enter(is_ready=False).is_first
    a.mark_ready(0)
    a.say(b"one")
    assert (c.enter(is_ready=False).is_first, c.joined.position) == (False, 1)
    assert a.joined.epoch < b.joined.epoch < c.joined.epoch


def test_another_node_makes_the_world_if_the_first_one_dies(nodes: Nodes) -> None:
    """One of those that wait for it, when the first one is not registered any more."""
    nodes.begin()
    a, b, c = (nodes.make(name) for name in "abc")
    for link in (a, b, c):
        link.enter(is_ready=False)
    assert (a.claim_first(), b.claim_first()) == (True, False)
    nodes.end_lease("a")
    b.remove("a", a.joined.epoch)
    assert (b.claim_first(), c.claim_first(), b.claim_first()) == (True, False, True)
    b.mark_ready(0)
    assert not c.claim_first()
    b.leave()
    assert c.claim_first()


def test_a_heartbeat_tells_of_all_nodes(nodes: Nodes) -> None:
    """Who is alive, who has a world, and what each has told of itself."""
    a, b = nodes.enter("a", "b")
    c = nodes.make("c")
    c.enter(is_ready=False)
    b.heartbeat({"version": "2.0", "position": 7})
    nodes.end_lease("c")
    states = {one.name: one for one in a.heartbeat({"version": "1.0"})}
    assert {name: (one.epoch, one.is_alive, one.is_ready) for name, one in states.items()} == {
        "a": (a.joined.epoch, True, True),
        "b": (b.joined.epoch, True, True),
        "c": (c.joined.epoch, False, False),
    }
    assert states["a"].facts == {"version": "1.0"}
    assert states["b"].facts == {"version": "2.0", "position": 7}
    assert (states["c"].facts, states["c"].home) == ({}, c.home)


def test_how_far_a_node_has_told_outlives_it(nodes: Nodes) -> None:
    """Heartbeats tell it of those that are registered. It is there for whoever asks when the node is struck off."""
    a, b = nodes.enter("a", "b")
    home = b.home
    assert {one.name: one.told for one in a.heartbeat({})} == {"a": None, "b": None}
    for told in (Told(7), Told(9, {1 << 33: 8})):
        b.leave_told(home, told)
        assert {one.name: one.told for one in a.heartbeat({})}["b"] == told
    nodes.end_lease("b")
    assert a.remove("b", b.joined.epoch)
    assert a.find_told([home, "c/9"]) == {home: Told(9, {1 << 33: 8}), "c/9": None}
    b.leave_told(home, Told(10))  # it does not know yet that it was struck off
    assert a.find_told([home]) == {home: Told(10)}
    assert a.find_told([]) == {}
    nodes.ask("SET", f"told:{home}", "nonsense")
    assert a.find_told([home]) == {home: None}


def test_a_heartbeat_puts_back_what_redis_has_lost(nodes: Nodes) -> None:
    """And never overwrites what a node has left since."""
    a, b = nodes.enter("a", "b")
    b.heartbeat({}, Told(7))
    assert a.find_told([b.home])[b.home] == Told(7)
    b.leave_told(b.home, Told(9))
    b.heartbeat({}, Told(8))
    assert a.find_told([b.home])[b.home] == Told(9)
    nodes.ask("PEXPIRE", f"told:{b.home}", 1000)
    b.heartbeat({}, Told(9))
    assert int(str(nodes.ask("PTTL", f"told:{b.home}"))) > 1000


def test_a_node_of_an_earlier_version_has_told_what_its_heartbeat_says(nodes: Nodes) -> None:
    """It leaves nothing else."""
    a, b = nodes.enter("a", "b")
    b.heartbeat({"told": 7})
    assert {one.name: one.told for one in a.heartbeat({})}["b"] == Told(7)


def test_a_lease_ends_by_itself(nodes: Nodes) -> None:
    """If it is not renewed: the node is no longer alive."""
    a, _ = nodes.enter("a", "b")
    b = nodes.make("c", lease_s=0.5)
    b.enter()
    assert 0 < int(str(nodes.ask("PTTL", "lease:c"))) <= 500

    def is_alive() -> bool:
        return {one.name: one.is_alive for one in a.heartbeat({})}["c"]

    until(lambda: not is_alive(), "the lease ends")
    b.heartbeat({})
    assert is_alive()


def test_a_node_that_is_still_registered_renews_its_lease(nodes: Nodes) -> None:
    """Also one that has ended, unless somebody has taken it from the registered ones."""
    a, b = nodes.enter("a", "b")
    nodes.end_lease("b")
    b.heartbeat({})
    assert not a.remove("b", b.joined.epoch)
    nodes.end_lease("b")
    assert not a.remove("b", b.joined.epoch + 1)
    assert a.remove("b", b.joined.epoch)
    assert not a.remove("b", b.joined.epoch)
    assert nodes.ask("EXISTS", "lease:b") == 0
    with pytest.raises(Fenced):
        b.heartbeat({})
    assert nodes.ask("EXISTS", "lease:b") == 0


def test_a_fenced_node_can_do_nothing_but_join_anew(nodes: Nodes) -> None:
    """The same process does, with another epoch, and has nothing of its earlier one."""
    a, b = nodes.enter("a", "b")
    turn = b.take_turn()
    nodes.end_lease("b")
    assert a.remove("b", b.joined.epoch)
    calls: list[Callable[[], object]] = [
        b.acquire,
        lambda: b.append(turn, b"late"),
        lambda: b.release(turn),
        lambda: b.heartbeat({}),
        lambda: b.remove("a", a.joined.epoch),
        b.claim_first,
        lambda: b.mark_ready(0),
        lambda: b.recover(lambda: 0),
    ]
    for call in calls:
        with pytest.raises(Fenced, match=f"have gone on without b/{b.joined.epoch}: it has to join anew"):
            call()
    b.leave()  # it is out already
    before = b.joined.epoch
    joined = b.enter()
    assert (joined.epoch, joined.is_first) == (before + 1, False)
    assert b.home == f"b/{joined.epoch}"
    assert b.take_turn().is_broken


def test_two_processes_cannot_be_one_node(nodes: Nodes) -> None:
    """The second one is refused when it sees that the first one renews its lease."""
    (a,) = nodes.enter("a")
    other = nodes.make("a")
    with pytest.raises(NodeRuns, match=r"node a runs already: give this one another name \(cluster\.node\)"):
        join_while_alive(other, a)
    a.heartbeat({})


def join_while_alive(link: NodeLink, alive: NodeLink) -> None:
    """Try to join under the name of a node that renews its lease meanwhile."""

    def step() -> bool:
        assert link.join(lambda: 0) is None
        alive.heartbeat({})
        return False

    until(step, "it is refused")


def test_a_node_that_was_killed_starts_again_when_its_lease_has_ended(nodes: Nodes) -> None:
    """It waits for that: nobody renews the lease, so nobody is alive under the name."""
    a, b = nodes.enter("a", "b")
    again = nodes.make("a")
    assert [again.join(lambda: 0) for _ in range(3)] == [None] * 3
    assert again.home == ""
    nodes.end_lease("a")
    joined = again.join(lambda: 0)
    assert joined is not None and joined.epoch > b.joined.epoch
    with pytest.raises(Fenced):
        a.heartbeat({})


def test_a_node_that_has_left_can_start_at_once(nodes: Nodes) -> None:
    """Its lease ended with it, and it is no longer registered."""
    a, b = nodes.enter("a", "b")
    a.leave()
    assert [one.name for one in b.heartbeat({}) if one.is_alive] == ["b"]
    assert nodes.make("a").join(lambda: 0) is not None


def test_an_answer_to_joining_that_is_lost_costs_an_epoch(nodes: Nodes) -> None:
    """The process knows its own lease by its token, and need not wait for its end."""
    nodes.begin()
    a = nodes.make("a")
    a.enter(is_ready=False)
    lost = a.joined.epoch
    joined = a.join(lambda: 0)
    assert joined is not None and (joined.epoch, joined.is_first) == (lost + 1, True)


def test_a_snapshot_reaches_the_node_that_it_was_made_for(nodes: Nodes) -> None:
    """With its position, and no other node; it does not stay for long."""
    a, b = nodes.enter("a", "b")
    assert b.take_snapshot() is None
    data = bytes(range(256)) * 10_000
    a.put_snapshot(b.home, Snapshot(7, data))
    assert b.take_snapshot() == Snapshot(7, data)
    assert a.take_snapshot() is None
    assert 0 < int(str(nodes.ask("TTL", f"snapshot:{b.home}"))) <= 60


def test_clusters_with_different_names_share_a_redis(nodes: Nodes) -> None:
    """Each has its own nodes, positions and turn."""
    other = Nodes(nodes.server, f"{nodes.cluster}-too")
    (a,) = nodes.enter("a")
    (b,) = other.enter("a")
    a.take_turn()
    b.say(b"one")
    assert (a.read(0, 0), b.read_all(0)) == ([], [b"one"])


def test_closing_a_link_twice_is_no_error(nodes: Nodes) -> None:
    """What is called after that connects anew."""
    (a,) = nodes.enter("a")
    a.close()
    a.close()
    a.heartbeat({})
