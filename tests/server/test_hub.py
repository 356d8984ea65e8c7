from __future__ import annotations

from pathlib import Path

from chatroom.chat.cloak import Cloak
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.server.hub import Hub
from chatroom.server.screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.stores import open_stores


def test_a_line_for_the_screen_is_taken_by_one_thread_only(tmp_path: Path) -> None:
    """What one thread took, though it was nothing, does not grow by what another notes once the lock is released."""
    world = World(Settings(), 0, "t-", Cloak(b"key"))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db"), lambda stores: None), Screen())
    first = hub.take_log()
    world.note("joined: alice")
    second = hub.take_log()
    assert (first, second, hub.take_log()) == ([], ["joined: alice"], [])
