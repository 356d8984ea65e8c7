"""What a user may change: judged from a picture of the world before a line, without the code that judges it."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.chat.people.channel import LIST_MODES, OP, Channel
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.chat.world import World


class Room(NamedTuple):
    """A channel at one moment."""

    channel: Channel
    members: dict[User, int]
    settings: tuple[object, ...]
    """What only operators change: modes, key, limit, forward, lists."""
    topic: str
    topic_is_free: bool


class Picture(NamedTuple):
    """The world before a line of one session."""

    actor: Session
    user: User | None
    role: Role
    rooms: dict[int, Room]
    """By the identity of the channel, which outlives a RENAME."""
    ranks: dict[int, Role]
    """The rank of each session, by its id."""
    accounts: dict[int, int | None]
    """The id of each session's account, by the session's id."""
    bans: frozenset[int]
    filters: frozenset[int]
    filters_ban: bool
    """True if a spam filter bans whoever says a text."""


def take_picture(world: World, actor: Session) -> Picture:
    """Record what a line of the session might change."""
    sessions = world.sessions.values()
    return Picture(
        actor,
        actor.user,
        actor.role,
        {id(channel): _look_at(channel) for channel in world.channels.values()},
        {session.id: session.rank for session in sessions},
        {session.id: _account_of(session) for session in sessions},
        frozenset(rule.id for rule in world.bans),
        frozenset(world.spam.filters.by_id),
        any(found.action == "ban" for found in world.spam.filters.by_id.values()),
    )


def _account_of(session: Session) -> int | None:
    # Its id, and not its name: an admin may rename it.
    account = session.user.account if session.user is not None else None
    return account.id if account is not None else None


def _look_at(channel: Channel) -> Room:
    lists = tuple((mode, tuple(channel.lists.get(mode, {}))) for mode in LIST_MODES)
    settings = (*channel.modes(with_secrets=True), channel.name, lists)
    return Room(channel, dict(channel.members), settings, channel.topic, "t" not in channel.flags)


def check_no_right_gained(before: Picture, world: World, line: str, *, proves: bool) -> None:
    """Check that everything that the line changed was the session's to change. ``proves``: it has a right password."""
    for channel in world.channels.values():
        room = before.rooms.get(id(channel))
        if room is not None:
            _check_room(before, world, room, line)
    for number, session in world.sessions.items():
        rank, account = session.rank, _account_of(session)
        assert rank <= before.ranks.get(number, Role.USER) or proves, f"rank {rank} by {line!r}"
        if account is not None and account != before.accounts.get(number):
            assert proves, f"account {account} by {line!r}"
    if not before.filters_ban:  # or else anyone may cause a ban
        is_same = frozenset(rule.id for rule in world.bans) == before.bans
        assert is_same or before.role >= Role.MODERATOR, f"bans by {line!r}"
    is_same = frozenset(world.spam.filters.by_id) == before.filters
    assert is_same or before.role >= Role.MODERATOR, f"filters by {line!r}"


def _check_room(before: Picture, world: World, room: Room, line: str) -> None:
    channel, user = room.channel, before.user
    after = _look_at(channel)
    operates = before.role >= Role.MODERATOR or (user is not None and bool(room.members.get(user, 0) & OP))
    for member, standing in after.members.items():
        old = room.members.get(member)
        if old is None:
            regained = channel.regained_standing(member.account.id) if member.account is not None else 0
            first = OP if not room.members else 0
            assert standing & ~(regained | first) == 0, f"{member.nick} came to {channel.name} with {standing}"
        else:
            assert operates or standing & ~old == 0, f"{member.nick} got {standing} in {channel.name} by {line!r}"
    if operates or not room.members:
        return
    assert after.settings == room.settings, f"settings of {channel.name} by {line!r}"
    may_tell = room.topic_is_free and user in room.members
    assert after.topic == room.topic or may_tell, f"topic of {channel.name} by {line!r}"
    gone = [one for one in room.members if one not in after.members and one is not user]
    left = [one.nick for one in gone if world.users.get(one.folded) is one]
    assert not left, f"{left} left {channel.name} by {line!r}"
