"""A node that starts, and is struck off before it has a world."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from harness.daemon import CAP_S, until
from harness.gated_stage import StagedWorkers
from harness.node_stage import FakeNodeJournal, NodeStage

from chatroom.config.clustering import Cluster
from chatroom.errors import Fenced
from chatroom.server.cluster.cluster_contract import Joined, Link, NodeState, Turn
from chatroom.server.cluster.node import Node
from chatroom.server.cluster.turn_desk import Desk
from chatroom.server.operator_screen import Screen


class StruckOffLink:
    """The part of a ``Link`` that a start needs. The node is struck off behind its request for a snapshot."""

    home = "b/2"

    def __init__(self, looks: int) -> None:
        """``looks`` is how often the node looks for its snapshot before it finds that it was struck off."""
        self._looks = looks
        self._has_asked = threading.Event()
        self.desk: Desk | None = None

    def join(self, find_turn_floor: Callable[[], int]) -> Joined:
        """As ``Link``. Others are there."""
        return Joined(self.home, 2, 0, is_first=False)

    def acquire(self) -> Turn:
        """As ``Link``."""
        return Turn(1, 0, False)

    def is_cut(self) -> bool:
        """As ``Link``."""
        return False

    def append(self, turn: Turn, data: bytes, *, mends: bool) -> int:
        """As ``Link``, for the request."""
        self._has_asked.set()
        return 1

    def heartbeat(self, facts: Mapping[str, object], told: object = None) -> list[NodeState]:
        """Find that the node was struck off."""
        assert self._has_asked.wait(CAP_S)
        raise Fenced("struck off")

    def take_snapshot(self) -> None:
        """Find none, when the heartbeat has found that the node was struck off."""
        desk = self.desk
        assert desk is not None
        until(lambda: desk.lost, "the heartbeat has found it")

    def claim_first(self) -> bool:
        """False, but for the last time: then it finds that the node was struck off."""
        self._looks -= 1
        if not self._looks:
            raise Fenced("struck off")
        return False

    def leave_told(self, home: str, told: object) -> None:
        """As ``Link``."""

    def leave(self) -> None:
        """As ``Link``."""

    def close(self) -> None:
        """As ``Link``."""


@pytest.mark.parametrize("looks", [1, 2])
def test_a_start_goes_on_if_the_node_was_struck_off(monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
    """Whatever the start does when the heartbeat finds it: the node begins anew when its threads run."""
    link, world = StruckOffLink(looks), NodeStage(monkeypatch).b.world
    no_stores: Any = None
    node = Node(Cluster(node="b", lease_s=0.5), cast("Link", link), FakeNodeJournal(), no_stores)
    link.desk = node.desk
    node.join()
    try:
        node.fill(world, no_stores)
        assert node.desk.lost == "struck off"
        hub = node.make_hub(StagedWorkers(), Screen(), metered=False)
        assert hub.sure_until_s < time.monotonic(), "until a heartbeat has found it registered, it tells nothing"
    finally:
        node.stop(CAP_S)
