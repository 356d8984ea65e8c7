"""What a node that is gone has told the others and could not store any more: the others have that stored.

A node first tells a turn, and then stores the channels that the turn has changed. If the node dies in between, the
database lacks what the world has. All nodes have the same world, so each of them can compare the two. That is done in
pieces for many turns: each channel takes 10 µs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.chat.retries import Retry
from chatroom.chat.stored.records import Actor
from chatroom.errors import ChatroomError
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.records import StoredChannel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job
    from chatroom.chat.world import World

AT_ONCE = 100
"""How many channels are compared at once, in about a millisecond."""


def complete_stored(world: World, home: str) -> None:
    """Have new names and other changes of channels stored that a node has told before it went. In a turn."""

    def job(stores: Stores) -> dict[str, StoredChannel]:
        stores.channels.finish_renames(home)
        return {casefold(row.name): row for row in stores.channels.load_all()}

    def make_job() -> Job:
        return job

    def then(outcome: object) -> None:
        if isinstance(outcome, ChatroomError):
            world.log_line(f"what {home} has changed could not be compared, and is tried again: {outcome}", LogWarning)
            world.retries.add(("home", home), Retry(make_job, then), world.mono_ms)
        elif isinstance(outcome, dict):
            _store_changed(world, outcome)

    world.work.write(job, then, alone=True)


def _store_changed(world: World, stored: Mapping[str, StoredChannel]) -> None:
    """Store the channels that are not stored as they are. One that has ended since is left: it ends once more."""
    channels = list(world.channels.values())
    for start in range(0, len(channels), AT_ONCE):
        world.work.put_off.append(partial(_store_some, world, stored, channels[start : start + AT_ONCE]))


def _store_some(world: World, stored: Mapping[str, StoredChannel], channels: Sequence[Channel]) -> None:
    by = Actor(world.settings.server.name, "server")
    for channel in channels:
        is_here = channel.stored and world.channels.get(channel.folded) is channel
        if not is_here or ("channel", channel.number) in world.retries:
            continue
        record, row = channel.to_record(), stored.get(channel.folded)
        # The moment of the last use is stored apart, and only to a day.
        if row != record and (row is None or replace(row, used_at=record.used_at) != record):
            world.log_line(f"{channel.name} is stored again: a node that is gone has changed it")
            world.work.write(partial(_save, record=record, by=by))


def _save(stores: Stores, record: StoredChannel, by: Actor) -> None:
    stores.channels.save(record, by, "", "")
