"""The heartbeat, with answers that come late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import pytest
from harness.daemon import CAP_S
from harness.node_stage import NodeStage

from chatroom.chat.cluster.told import Told
from chatroom.config.clustering import Cluster
from chatroom.errors import Fenced
from chatroom.server.cluster.cluster_contract import Link, NodeState
from chatroom.server.cluster.contact import Contact
from chatroom.server.cluster.heartbeat import Heartbeat
from chatroom.server.cluster.turn_desk import Desk

_SETTINGS = Cluster(node="a", lease_s=0.5)


class AnsweringLink:
    """The part of a ``Link`` that a heartbeat needs."""

    def __init__(self, answer: Callable[[], list[NodeState]]) -> None:
        self._answer = answer

    def heartbeat(self, facts: Mapping[str, object], told: Told | None = None) -> list[NodeState]:
        """As ``Link``."""
        return self._answer()

    def find_told(self, homes: Iterable[str]) -> dict[str, Told | None]:
        """As ``Link``. Nobody has left anything."""
        return dict.fromkeys(homes)


def make_heartbeat(desk: Desk, answer: Callable[[], list[NodeState]]) -> Heartbeat:
    """Make the heartbeat of node a. ``answer`` is called for each beat, and returns the nodes."""
    link = cast("Link", AnsweringLink(answer))
    return Heartbeat(link, desk, Contact("a", _SETTINGS.lease_s), dict, lambda: None, _SETTINGS)


def test_it_beats_on_when_the_node_was_struck_off() -> None:
    """The answer may be for the place before. If the node has the next one by then, it must not lose that too."""
    desk, beats, beats_on = Desk(), list[str](), threading.Event()

    def answer() -> list[NodeState]:
        beats.append("beat")
        if len(beats) == 1:
            raise Fenced("struck off")
        beats_on.set()
        return []

    heartbeat = make_heartbeat(desk, answer)
    heartbeat.start()
    try:
        assert beats_on.wait(CAP_S)
        assert desk.lost == "struck off"
    finally:
        desk.stop()
        heartbeat.join(CAP_S)


def test_a_node_that_comes_while_the_answer_is_on_its_way_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """This node may stand still before it reads the answer. Its people stay."""
    stage = NodeStage(monkeypatch)
    a = stage.a

    def answer() -> list[NodeState]:
        nodes = [NodeState("a", 1, is_alive=True, is_ready=True, facts={})]
        stage.come_together()
        return nodes

    heartbeat = make_heartbeat(a.desk, answer)
    heartbeat.hub = a.hub
    heartbeat.beat()
    a.tick()
    a.take_turn()
    assert "bob" in a.world.users
    heartbeat = make_heartbeat(a.desk, lambda: [NodeState("a", 1, is_alive=True, is_ready=True, facts={})])
    heartbeat.hub = a.hub
    heartbeat.beat()
    a.tick()
    a.take_turn()
    assert "bob" not in a.world.users, "it is gone as of the next answer"
