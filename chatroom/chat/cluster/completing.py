"""What a node that is gone has told the others and could not store any more: the others have that stored.

A node first tells a turn, and then stores the channels that the turn has changed. If the node dies in between, the
database lacks what the world has. All nodes have the same world, so each of them can compare the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.chat.retries import Retry
from chatroom.chat.stored.records import Actor
from chatroom.errors import ChatroomError
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.records import StoredChannel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job
    from chatroom.chat.world import World


def complete_stored(world: World, home: str) -> None:
    """Have new names and other changes of channels stored that a node has told before it went. In a turn."""

    def job(stores: Stores) -> list[StoredChannel]:
        stores.channels.finish_renames(home)
        return list(stores.channels.load_all())

    def make_job() -> Job:
        return job

    def then(outcome: object) -> None:
        if isinstance(outcome, ChatroomError):
            world.log_line(f"what {home} has changed could not be compared, and is tried again: {outcome}", LogWarning)
            world.retries.add(("home", home), Retry(make_job, then), world.mono_ms)
        elif isinstance(outcome, list):
            _store_changed(world, outcome)

    world.work.write(job, then, alone=True)


def _store_changed(world: World, stored: Sequence[StoredChannel]) -> None:
    """Store the channels that are not stored as they are. One that has ended since is left: it ends once more."""
    by, rows = Actor(world.settings.server.name, "server"), {casefold(row.name): row for row in stored}
    for channel in world.channels.values():
        if not channel.stored or ("channel", channel.number) in world.retries:
            continue
        record, row = channel.to_record(), rows.get(channel.folded)
        # The moment of the last use is stored apart, and only to a day.
        if row is None or replace(row, used_at=record.used_at) != record:
            world.log_line(f"{channel.name} is stored again: a node that is gone has changed it")
            world.work.write(partial(_save, record=record, by=by))


def _save(stores: Stores, record: StoredChannel, by: Actor) -> None:
    stores.channels.save(record, by, "", "")
