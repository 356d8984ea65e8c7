from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from chatroom.chat.cloak import Cloak
from chatroom.chat.session import Session
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.config.settings import Limits
from chatroom.server.hub import Hub
from chatroom.server.listener import Listener
from chatroom.server.screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.stores import open_stores


def _session(number: int, text: str) -> Session:
    address = ipaddress.ip_address(text)
    return Session(number, text, address.version, int(address), "host", 0)


def test_an_ipv6_subscriber_has_one_share_of_connections(tmp_path: Path) -> None:
    """Connections are counted by /64: whoever has one has 2^64 addresses to come from."""
    world = World(Settings(limits=Limits(connections_per_address=2)), 0, "t-", Cloak(b"key"))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db"), lambda stores: None), Screen())
    control, other = socket.socketpair()
    with control, other:
        listener = Listener(hub, [], control)
        first, second, third = (_session(number, f"2001:db8::{number}") for number in (1, 2, 3))
        assert listener.admit(first) is None
        assert listener.admit(second) is None
        assert "too many connections" in (listener.admit(third) or "")
        assert listener.admit(_session(4, "2001:db8:0:1::1")) is None
        listener.released(first)
        assert listener.admit(third) is None
