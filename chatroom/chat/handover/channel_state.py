"""A channel as a document: all that it has, also what is in the database, because memory is what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatroom.chat.handover.document import (
    Document,
    moment_from_ms,
    moment_to_ms,
    put_attributes,
    take_attributes,
)
from chatroom.chat.people.flood_modes import SlowMode, Throttle
from chatroom.chat.stored.records import ListEntry

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

PLAIN = (
    "created_ms",
    "key",
    "limit",
    "topic",
    "topic_by",
    "topic_ms",
    "forward",
    "metadata",
    "founder_id",
    "used_ms",
    "began_after",
    "has_history",
)
"""The attributes that are written as they are."""


def channel_to_state(channel: Channel) -> Document:
    """Write a channel, with its members by their casefolded nicks."""
    slow = channel.slow_mode
    return {
        "name": channel.name,
        **take_attributes(channel, PLAIN),
        "stored": channel.stored,
        "flags": "".join(sorted(channel.flags)),
        "access": [[account_id, level] for account_id, level in channel.access.items()],
        "lists": [entry_to_state(entry) for mode in channel.lists for entry in channel.entries(mode)],
        "ended_bans": [entry_to_state(entry) for entry in channel.ended_bans],
        "join_throttle": throttle_to_state(channel.join_throttle),
        "nick_throttle": throttle_to_state(channel.nick_throttle),
        "slow_mode": [slow.interval_s, slow.to_state()] if slow is not None else None,
        "members": [
            [user.folded, standing, channel.joined_after.get(user, 0)] for user, standing in channel.members.items()
        ],
    }


def channel_from_state(world: World, state: Document) -> Channel:
    """Put a channel into the world, with its members, who do not have it yet (``User.channels``)."""
    channel = world.find_channel(state["name"]) or world.make_channel(state["name"])
    channel.name = state["name"]
    put_attributes(channel, PLAIN, state)
    # The settings may name it since then.
    channel.stored = channel.stored or state["stored"]
    channel.flags = frozenset(state["flags"])
    channel.access = dict(state["access"])
    channel.lists = {}
    channel.ended_bans = ()
    for entry in state["lists"]:
        channel.add_mask(entry_from_state(entry))
    channel.ended_bans = tuple(map(entry_from_state, state["ended_bans"]))
    channel.join_throttle = throttle_from_state(state["join_throttle"])
    channel.nick_throttle = throttle_from_state(state["nick_throttle"])
    channel.slow_mode = None
    for folded, standing, joined_after in state["members"]:
        user = world.users[folded]
        channel.members[user] = standing
        channel.joined_after[user] = joined_after
        channel.sessions.update(user.sessions)
    if state["slow_mode"] is not None:
        interval_s, moments = state["slow_mode"]
        channel.slow_mode = SlowMode(interval_s)
        channel.slow_mode.use_state(moments, world.users)
    return channel


def enter_channels(world: World, user: User, state: Document) -> None:
    """Give a user its channels, in the order in which it has joined them."""
    user.channels = {world.channels[folded]: None for folded in state["channels"]}
    user.invited = frozenset(world.channels[folded] for folded in state["invited"] if folded in world.channels)


def entry_to_state(entry: ListEntry) -> list[Any]:
    """Write an entry of a list."""
    return [
        entry.mode,
        entry.mask,
        entry.set_by,
        moment_to_ms(entry.set_at),
        moment_to_ms(entry.until_at),
        entry.reason,
        entry.is_over,
    ]


def entry_from_state(state: list[Any]) -> ListEntry:
    """Make an entry of a list."""
    mode, mask, set_by, set_ms, until_ms, reason, is_over = state
    set_at = moment_from_ms(set_ms)
    assert set_at is not None
    return ListEntry(mode, mask, set_by, set_at, moment_from_ms(until_ms), reason, is_over)


def throttle_to_state(throttle: Throttle | None) -> list[Any] | None:
    """Write a throttle, if there is one."""
    return None if throttle is None else [throttle.most, throttle.period_s, throttle.to_state()]


def throttle_from_state(state: list[Any] | None) -> Throttle | None:
    """Make a throttle, if there is one."""
    if state is None:
        return None
    most, period_s, moments = state
    throttle = Throttle(most, period_s)
    throttle.use_state(moments)
    return throttle
