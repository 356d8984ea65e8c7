"""Connections that are turned away: their peers can read why."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatroom.server.turned_away import MOST_KEPT, TurnedAway


class Scene:
    """Turned away connections, their peers, and a clock."""

    def __init__(self, stack: ExitStack) -> None:
        self.now_s = 100.0
        self.timers: list[tuple[float, object]] = []
        self.kept = TurnedAway(self._call_later)
        self._stack = stack

    def _call_later(self, delay_s: float, task: object) -> None:
        self.timers.append((self.now_s + delay_s, task))

    def turn_away(self) -> tuple[socket.socket, socket.socket]:
        """Turn a connection away, and return its socket and that of its peer."""
        own, peer = socket.socketpair()
        self._stack.callback(own.close)
        self._stack.enter_context(peer)
        own.send(b"ERROR :full\r\n")
        self.kept.add(own)
        return own, peer

    def wait(self, delay_s: float) -> None:
        """Let time pass, and run what is due."""
        self.now_s += delay_s
        for due in [timer for timer in self.timers if timer[0] <= self.now_s]:
            self.timers.remove(due)
            assert callable(due[1])
            due[1]()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Nobody was turned away yet."""
    with ExitStack() as stack:
        made = Scene(stack)
        monkeypatch.setattr("chatroom.server.turned_away.time.monotonic", lambda: made.now_s)
        yield made


def test_the_peer_can_still_send_and_reads_why(scene: Scene) -> None:
    """It reads the reason and the end, whatever it sends before."""
    own, peer = scene.turn_away()
    peer.sendall(b"NICK late\r\n")
    assert (peer.recv(100), peer.recv(100)) == (b"ERROR :full\r\n", b"")
    scene.wait(1.9)
    assert own.fileno() >= 0
    scene.wait(0.2)
    assert own.fileno() < 0 and not scene.kept


def test_each_has_its_time(scene: Scene) -> None:
    """One timer at a time closes them all."""
    first, _ = scene.turn_away()
    scene.wait(1)
    second, _ = scene.turn_away()
    assert len(scene.timers) == 1
    scene.wait(1)
    assert (first.fileno() < 0, second.fileno() < 0) == (True, False)
    scene.wait(1)
    assert second.fileno() < 0 and not scene.timers


def test_only_the_last_ones_are_kept(scene: Scene) -> None:
    """A flood of refused connections holds few open files."""
    first, _ = scene.turn_away()
    others = [scene.turn_away()[0] for _ in range(MOST_KEPT)]
    assert first.fileno() < 0 and all(sock.fileno() >= 0 for sock in others)
    scene.kept.close()
    assert all(sock.fileno() < 0 for sock in others)
    scene.wait(3)


def test_a_peer_that_is_gone_is_no_fault(scene: Scene) -> None:
    """Its socket is closed like the others."""
    own, peer = socket.socketpair()
    peer.close()
    scene.kept.add(own)
    scene.wait(3)
    assert own.fileno() < 0
