"""The terminal client at a terminal, against a scripted server."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.scripted_server import Peer
from harness.terminal import Terminal

Start = Callable[..., Terminal]
"""Starts the client with these arguments; ``env`` has further environment variables."""

CAPS = "server-time multi-prefix standard-replies echo-message sasl=PLAIN"


def leave(peer: Peer) -> None:
    """Do the server's part of a QUIT."""
    peer.expect("QUIT")
    peer.send("ERROR :Closing Link: 127.0.0.1 (Client quit)")
    peer.close()


def unstamped(line: str) -> str:
    """A line of the screen without its time."""
    return re.sub(r"^\d\d:\d\d ", "", line)
