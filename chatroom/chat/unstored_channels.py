"""Changes of channels that the database refuses: they hold in memory, and are tried until they are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.chat.retries import Retry
from chatroom.chat.stored.records import Actor
from chatroom.errors import AlreadyExists

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job
    from chatroom.chat.world import World
    from chatroom.errors import ChatroomError


def save_later(world: World, channel: Channel, by: Actor, action: str, detail: str, why: ChatroomError | str) -> None:
    """Have a channel saved, as it is by then, as soon as the database takes it. ``why`` is for the log."""
    world.log_line(f"{channel.name} could not be stored, and is tried again: {why}", LogWarning)

    def make_job() -> Job | None:
        if not channel.stored or world.channels.get(channel.folded) is not channel:
            return None
        record = channel.to_record()
        return lambda stores: stores.channels.save(record, by, action, detail)

    _try_until_stored(world, channel, "channel", make_job)


def rename_later(world: World, channel: Channel, old: str, by: Actor | None, why: ChatroomError) -> None:
    """Have a channel's new name stored as soon as the database takes it. ``by`` is as for ``ChannelStore.rename``."""
    world.log_line(f"the new name of {old}, {channel.name}, could not be stored, and is tried again: {why}", LogWarning)
    name, home = channel.name, world.home

    def make_job() -> Job | None:
        is_here = channel.stored and world.channels.get(channel.folded) is channel and channel.name == name
        record = channel.to_record() if is_here else None

        def job(stores: Stores) -> None:
            try:
                stores.channels.rename(old, name, record, by, home=home)
            except AlreadyExists:  # a later change of the channel was stored meanwhile, under its new name
                actor = by or Actor(world.settings.server.name, "server")
                stores.channels.delete(old, actor, new_name=name, home=home)

        return job

    # A save that waits has the new name, so it must come behind the renaming.
    save = world.retries.discard(("channel", channel.number))
    _try_until_stored(
        world, channel, f"rename from {old} to {name}", make_job, lambda: world.ledger.hooks.end_rename(old, name)
    )
    if save is not None:
        world.retries.add(("channel", channel.number), save, world.mono_ms)


def _try_until_stored(
    world: World,
    channel: Channel,
    kind: str,
    make_job: Callable[[], Job | None],
    when_stored: Callable[[], None] | None = None,
) -> None:
    def then(_: object) -> None:
        if when_stored is not None:
            when_stored()
        world.log_line(f"{channel.name} is stored now")

    world.retries.add((kind, channel.number), Retry(make_job, then), world.mono_ms)
