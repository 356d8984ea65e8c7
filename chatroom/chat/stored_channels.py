"""Stored channels at the start of the daemon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.chat.stored.records import Actor
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.records import StoredChannel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World


def restore_channels(world: World, records: Iterable[StoredChannel]) -> None:
    """Put stored channels into the world. Those that the settings name are there already.

    Those of them that are new are stored, so that the next start knows when they were created.
    """
    restored = set()
    for record in records:
        channel = world.channels.get(casefold(record.name)) or world.make_channel(record.name)
        channel.restore(record)
        world.founded.add(channel)
        restored.add(channel.folded)
    store_channels(world, [channel for channel in world.channels.values() if channel.folded not in restored])


def store_channels(world: World, channels: Iterable[Channel]) -> None:
    """Have channels stored that the settings have named just now. No audit: the operator has made them."""
    records, by = [channel.to_record() for channel in channels], Actor(world.settings.server.name, "server")

    def save(stores: Stores) -> None:
        for record in records:
            stores.channels.save(record, by, "", "")

    if records:
        world.work.write(save)
