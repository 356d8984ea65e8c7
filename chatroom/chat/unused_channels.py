"""Stored channels that nobody uses: when each last had a member, and the end of those that had none for long.

The moment is kept to a day, so that a busy channel costs one write a day: at a JOIN, and for channels whose members
stay, when the server looks at all channels (``look_at_channels``, once an hour). Messages cost nothing: who speaks in a
channel is a member, or nobody is there to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.chat.stored.hook_records import name_hooks
from chatroom.chat.stored.records import Actor

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.world import World

DAY_MS = 86_400_000
MOST_NOTED = 500
"""How many channels are noted as used at one look, in one transaction of some milliseconds, for which messages wait."""
MOST_ENDED = 100
"""How many channels end at one look. The others end at the next one."""


def note_use(world: World, channel: Channel) -> None:
    """Have it stored that a channel is used now, unless that is known to a day."""
    # A moment in the future is of a clock that was wrong.
    if channel.stored and abs(world.wall_ms - channel.used_ms) >= DAY_MS:
        _record_use(world, [channel])


def look_at_channels(world: World, unused_days: int) -> None:
    """Note which channels are in use, and end those that nobody has used for so many days; 0 ends none.

    A channel that the configuration names does not end, nor one with members.
    """
    used, unused = [], []
    before_ms = world.wall_ms - unused_days * DAY_MS
    for channel in world.channels.values():
        if not channel.stored:
            continue
        ago_ms = world.wall_ms - channel.used_ms
        # One whose last use is not known, or was by a clock that was ahead, gets the whole time from now on.
        if channel.members or not channel.used_ms or ago_ms <= -DAY_MS:
            if abs(ago_ms) >= DAY_MS:
                used.append(channel)
        elif unused_days and channel.used_ms < before_ms and not channel.configured:
            unused.append(channel)
    if used:
        _record_use(world, used[:MOST_NOTED])
    for channel in unused[:MOST_ENDED]:
        _end(world, channel, unused_days)


def take_out(world: World, channel: Channel) -> None:
    """Take a channel without members out of the world. A later one of its name does not show its history."""
    channel.stored = False
    channel.has_history = True  # so that its conversation ends, also if nothing was said in this run
    world.whereabouts.forget_channel(channel)
    if world.channels.get(channel.folded) is channel:
        world.drop_channel(channel)


def pause_hooks(world: World, name: str, ids: Sequence[int]) -> None:
    """Pause the hooks of a channel that was deleted, in memory. Those that are paused in the database are logged."""
    world.ledger.hooks.pause(ids)
    if ids:
        verb = "is" if len(ids) == 1 else "are"
        world.log_line(f"{name_hooks(ids)} {verb} paused: the channel {name} was deleted")


def _record_use(world: World, channels: list[Channel]) -> None:
    names, used_ms = [channel.name for channel in channels], world.wall_ms
    for channel in channels:
        channel.used_ms = used_ms
    world.work.write(lambda stores: stores.channels.record_use(names, used_ms))


def _end(world: World, channel: Channel, unused_days: int) -> None:
    name, by = channel.name, Actor(world.settings.server.name, "server")
    why = f"nobody used it for {unused_days} days"
    # First in memory. Who joins from now on makes another channel, whose save comes behind this write.
    take_out(world, channel)
    world.ledger.hooks.pause(world.ledger.hooks.ids_of(channel.folded))

    def then(outcome: object) -> None:
        if isinstance(outcome, list):
            pause_hooks(world, name, outcome)  # again: they may have been read from the database meanwhile
        else:
            world.log_line(f"{name} could not be deleted from the database: {outcome}", LogWarning)

    world.work.write(lambda stores: stores.channels.delete(name, by, why), then)
    world.log_line(f"{name} has ended: {why}")
