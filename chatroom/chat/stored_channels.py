"""Stored channels at the start of the daemon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.records import StoredChannel
    from chatroom.chat.world import World


def restore_channels(world: World, records: Iterable[StoredChannel]) -> None:
    """Put stored channels into the world. Those that the settings name are there already."""
    for record in records:
        channel = world.channels.get(casefold(record.name)) or world.make_channel(record.name)
        channel.restore(record)
        world.founded.add(channel)
