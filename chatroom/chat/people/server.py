"""A server of the network, as users see it."""

from __future__ import annotations

from typing import NamedTuple


class Server(NamedTuple):
    """One daemon: the only one, or a node of a cluster."""

    name: str
    description: str
