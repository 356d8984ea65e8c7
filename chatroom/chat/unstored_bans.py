"""Bans that the database refuses, because the disk is full for example: they act, and are tried until they are stored.

A moderator bans when there is trouble, and a disk full of talk is one. Until the ban is stored, answers and lists say
NOT STORED, because it would end with the daemon.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.chat.retries import Key, Retry
from chatroom.chat.stored.records import Actor, BanRule, NewBan

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job
    from chatroom.chat.world import World


def key_of(rule: BanRule) -> Key:
    """Return the key under which the world's retries have the ban."""
    return "ban", rule.id


def put_into_force(world: World, new: NewBan, actor: Actor, why: str) -> BanRule:
    """Put a ban that the database refused into force, and have it tried again. Return its rule."""
    made_at = _now(world)
    rule = world.bans.add_unstored(new, actor.name, world.wall_ms)
    world.log_line(
        f"the ban on {new.target} by {actor.name} acts, but is NOT STORED and is tried again: {why}", LogWarning
    )
    try_until_stored(world, rule, new._replace(created_at=made_at), actor)
    return rule


def try_until_stored(world: World, rule: BanRule, new: NewBan, actor: Actor) -> None:
    """Have a ban that acts already stored, as soon as the database takes it."""

    def make_job() -> Job | None:
        if world.bans.get(rule.id) is not rule:
            return None  # another ban on its target has replaced it
        now = _now(world)

        def job(stores: Stores) -> BanRule | None:
            return stores.bans.find_rule(stores.bans.add_many([new], actor)[0].id, now)

        return job

    def then(outcome: object) -> None:
        world.bans.discard(rule.id)
        if isinstance(outcome, BanRule):  # None if it has run out meanwhile
            world.bans.add(outcome)
            world.log_line(f"the ban on {rule.target} is stored now, as ban {outcome.id}")

    world.retries.add(key_of(rule), Retry(make_job, then), world.mono_ms)


def _now(world: World) -> datetime:
    return datetime.fromtimestamp(world.wall_ms / 1000, UTC)
