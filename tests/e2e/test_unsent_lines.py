"""A daemon that is killed, or drops a client, before it has sent what the client missed: the account misses nothing."""

from __future__ import annotations

import socket

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, until
from harness.injected_code import InjectedCode

_DIE_IN_A_REPLAY = """
import os, signal
from chatroom.commands.reading import replay

def die(world, session, found, *_):
    if found:
        os.kill(os.getpid(), signal.SIGKILL)

replay._show = die
"""
_LINES = 400


def texts(client: Client) -> list[str]:
    """What a client has read, without the times of missed lines."""
    lines = [line for line in client.lines if " PRIVMSG " in line]
    return [line.rpartition(" :")[2].rpartition("] ")[2] for line in lines]


@pytest.mark.parametrize("target", ["#lobby", "una"])
def test_a_replay_that_a_kill_has_broken_off_is_shown_again(place: Place, target: str) -> None:
    """The next daemon does not take it for read."""
    place.environment["CHATROOM_LIMITS__ENABLED"] = "false"
    place.create("una")
    place.create("bob")
    code = InjectedCode(place)
    daemon = Daemon(place)
    with daemon.connect("una", password=PASSWORD) as una, daemon.connect("bob", password=PASSWORD) as bob:
        una.send("QUIT")
        una.expect_closed()
        bob.ask(f"PRIVMSG {target} :missed")
        code.run(_DIE_IN_A_REPLAY)
        with daemon.open() as again:
            again.send(f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :Una")
            again.expect_closed()
            assert "missed" not in texts(again)
        daemon.wait()
    daemon = Daemon(place)
    with daemon.connect("una", password=PASSWORD) as una:
        una.find("missed")
    assert daemon.stop() == 0


def test_who_is_dropped_with_a_full_send_queue_is_shown_the_rest(place: Place) -> None:
    """It reads in the end what its socket had taken, and what it had not when it comes back."""
    place.environment.update(CHATROOM_LIMITS__ENABLED="false", CHATROOM_LIMITS__SENDQ_BYTES="65536")
    place.create("una")
    daemon = Daemon(place)
    with daemon.connect("una", password=PASSWORD) as una, daemon.connect("bob") as bob:
        una.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        said = [f"{number} {'x' * 400}" for number in range(_LINES)]
        for start in range(0, _LINES, 20):
            bob.ask(*(f"PRIVMSG #lobby :{text}" for text in said[start : start + 20]))
        until(lambda: daemon.log_lines("left: una (SendQ exceeded)"), "una is dropped")
        una.expect_closed()
        read = texts(una)
        assert len(read) < _LINES
    assert daemon.stop() == 0
    del place.environment["CHATROOM_LIMITS__SENDQ_BYTES"]  # what it has missed must not have it dropped again
    daemon = Daemon(place)
    with daemon.connect("una", password=PASSWORD) as again:
        again.ask("PING 1")
        shown = texts(again)
    assert set(said) <= {*read, *shown}
    assert len(shown) < _LINES  # what was sent long ago is not shown again
    assert daemon.stop() == 0
