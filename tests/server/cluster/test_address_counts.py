"""What a node knows of the others' connections by address."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from typing import Any

import pytest

from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.server.cluster.address_counts import FACT, AddressCounts
from chatroom.server.cluster.cluster_contract import NodeState
from chatroom.server.connection_counter import ConnectionCounter

ADDRESS = "4 c0000201"


def state(name: str, told: object, *, is_alive: bool = True) -> NodeState:
    """A node as a heartbeat tells of it."""
    return NodeState(name, 1, is_alive, True, {FACT: told})


@pytest.fixture
def counts() -> AddressCounts:
    """The counts of node a, which hears of nobody yet."""
    return AddressCounts("a", 6.0)


def test_the_counts_of_the_other_nodes_are_added(counts: AddressCounts) -> None:
    """But this node's own are not among them, nor those of a node whose lease has ended."""
    told = {ADDRESS: [2, 5]}
    nodes = [state("a", told), state("b", told), state("c", {ADDRESS: [1, 7]}), state("d", told, is_alive=False)]
    counts.hear(nodes, time.monotonic())
    assert counts.find(ADDRESS) == (3, 12)
    assert counts.find("4 c0000202") == (0, 0)


def test_people_are_known_at_once(counts: AddressCounts) -> None:
    """The world knows them before a heartbeat tells of them, and afterwards nobody counts twice."""
    people: Mapping[str, int] = {ADDRESS: 3}
    counts.people = people
    assert counts.find(ADDRESS) == (3, 0)
    counts.hear([state("b", {ADDRESS: [2, 9]})], time.monotonic())
    assert counts.find(ADDRESS) == (3, 9)
    counts.hear([state("b", {ADDRESS: [4, 9]})], time.monotonic())
    assert counts.find(ADDRESS) == (4, 9)


def test_what_was_heard_counts_for_a_lease(counts: AddressCounts) -> None:
    """A node without contact to the others refuses nobody for what they had before."""
    counts.people = {ADDRESS: 1}
    counts.hear([state("b", {ADDRESS: [4, 9]})], time.monotonic() - 6.1)
    assert counts.find(ADDRESS) == (1, 0)


@pytest.mark.parametrize(
    "told", [None, [], "much", {ADDRESS: 3}, {ADDRESS: [3]}, {ADDRESS: ["3", 4]}, {ADDRESS: [True, 4]}]
)
def test_what_no_node_writes_is_left_out(counts: AddressCounts, told: Any) -> None:
    """Another program may have written it, or a node of another version."""
    counts.hear([state("b", told), state("c", {ADDRESS: [1, 1, "of a later version"]})], time.monotonic())
    assert counts.find(ADDRESS) == (1, 1)


@pytest.mark.parametrize("elsewhere, is_full", [((0, 0), False), ((2, 0), True), ((0, 3), True), ((1, 2), False)])
def test_a_connection_counts_with_those_of_other_nodes(elsewhere: tuple[int, int], is_full: bool) -> None:
    """At the same time, and in a minute."""
    counter, address = ConnectionCounter(), ipaddress.ip_address("192.0.2.1")
    counter.find_elsewhere = {ADDRESS: elsewhere}.__getitem__
    session = Session(1, "192.0.2.1", 4, int(address), "host", 0)
    settings = Settings(limits=Limits(connections_per_address=2, connects_per_minute=3))
    assert (counter.admit(session, settings) is not None) == is_full
    assert counter.recent() == ({} if is_full else {ADDRESS: (1, 1)})
