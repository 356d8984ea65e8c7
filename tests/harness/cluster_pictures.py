"""What is the same in the worlds of all nodes of a cluster, and in a world alone with the same people.

A picture is made from every attribute of each class, but for those that are named here as a node's own. So an attribute
that is added later is compared, until somebody decides that it is not to be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from chatroom.chat.people.ban_masks import BanMask
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.flood_modes import SlowMode, Throttle
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountData
from chatroom.chat.world import World

OWN: dict[type, frozenset[str]] = {
    Session: frozenset(
        # The connection, and what it has said and reads.
        [
            *(
                "connection",
                "thread",
                "unread",
                "settled_seq",
                "labelled_reply",
                "batch",
                "budget",
                "waiting",
                "_waits",
            ),
            *("heard_mono_ms", "pinged_mono_ms", "opened_mono_ms", "cap_version", "login_tries", "sasl", "held"),
            *("registration", "control", "closing", "id"),
        ]
    ),
    Channel: frozenset(["sessions", "number", "configured"]),
    User: frozenset(),
}
SEQS = frozenset(["markers", "began_after", "joined_after", "guest_messages", "cleared"])
"""Attributes with sequence numbers, or times of lines. Two chats give out different ones."""
Names = Mapping[int, int]


def take_picture(
    world: World, names: Names, wall_ms: int, apart_ms: int = 0, *, with_seqs: bool = True
) -> dict[str, Any]:
    """Take the picture of a world.

    ``names`` are the numbers that the test has given to the sessions, by their ids. Bans count that are in force at
    ``wall_ms``: a node that has not ticked since has an earlier time, and a ban that has ended since. ``apart_ms`` is
    what to take from moments of the monotonic clock. ``with_seqs``: with sequence numbers.
    """
    camera = _Camera(names, apart_ms, with_seqs)
    online = world.online
    mutes = [
        (camera.key(key), mute._replace(until_mono_ms=mute.until_mono_ms - apart_ms))
        for key, mute in world.spam.mutes._by_key.items()
    ]
    return {
        "users": [camera.parts(user) for user in world.users.values()],
        "channels": [camera.parts(channel) for channel in world.channels.values()],
        "sessions": sorted(
            [str((names.get(each.id), camera.parts(each))) for each in world.sessions.values() if each.user is not None]
        ),
        "accepts": world.accepts.to_state(),
        "whowas": world.whowas.to_state(),
        "mutes": mutes,
        "account data": {number: camera.of(data) for number, data in sorted(online.account_data.items())},
        "by account": {number: sorted(camera.of(list(users))) for number, users in sorted(online.by_account.items())},
        "operators": sorted(user.folded for user in online.operators),
        "opered": sorted(names.get(session.id, -1) for session in online.opered),
        "invisible": online.invisible,
        "last guest": online.last_guest_number,
        "accounts": sorted(str(entry) for entry in world.accounts._by_id.values()),
        "bans": sorted(str(rule) for rule in world.bans if rule.in_force(wall_ms)),
        "filters": sorted(str(each._replace(hits=0)) for each in world.spam.filters.by_id.values()),
        "lockdown": [str(world.lockdown._state), world.lockdown.until_ms, world.lockdown.set_by],
    }


class _Camera:
    def __init__(self, names: Names, apart_ms: int, with_seqs: bool) -> None:
        self.names = names
        self.apart_ms = apart_ms
        self.with_seqs = with_seqs

    def parts(self, thing: Any) -> dict[str, Any]:
        """All attributes of a user, a session or a channel."""
        kind = next(each for each in OWN if isinstance(thing, each))
        names = [name for name in kind.__slots__ if name not in OWN[kind]]  # type: ignore[attr-defined]
        return self._attributes(thing, names)

    def of(self, value: Any) -> Any:
        """A value in terms that two worlds have in common."""
        if isinstance(value, Session):
            return f"session {self.names.get(value.id, value.id)}"
        if isinstance(value, User | Channel):
            return value.folded
        if isinstance(value, BanMask):
            return None  # made from the entry beside it
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return str(value)
        if isinstance(value, dict):
            return [(self.of(key), self.of(each)) for key, each in value.items()]
        if isinstance(value, list | tuple | deque):
            return [self.of(each) for each in value]
        if isinstance(value, set | frozenset):
            return sorted(str(self.of(each)) for each in value)
        if isinstance(value, AccountData | Throttle | SlowMode):
            return self._attributes(value, list(type(value).__slots__))
        return value

    def _attributes(self, thing: Any, names: list[str]) -> dict[str, Any]:
        found = {}
        for name in names:
            if name in SEQS and not self.with_seqs:
                continue
            value = getattr(thing, name)
            if name.endswith("mono_ms") and value:
                value -= self.apart_ms
            elif name == "lists":
                value = {mode: entries for mode, entries in value.items() if entries}
            elif name == "_moments":
                value = [ms - self.apart_ms for ms in value]
            elif name in ("_inside", "_outside"):
                value = {key: ms - self.apart_ms for key, ms in value.items()}
            found[name] = self.of(value)
        return found

    def key(self, key: str) -> str:
        """The key of a mute, with the test's number of a session."""
        kind, _, number = key.partition(" ")
        return f"session {self.names.get(int(number), -1)}" if kind == "session" else key


def find_difference(one: Any, other: Any, where: str = "") -> str:
    """Say where two pictures differ first; empty if they do not."""
    if type(one) is type(other) and isinstance(one, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            found = find_difference(one.get(key), other.get(key), f"{where}/{key}")
            if found:
                return found
        return ""
    if type(one) is type(other) and isinstance(one, list) and len(one) == len(other):
        for index, (each, its) in enumerate(zip(one, other, strict=True)):
            found = find_difference(each, its, f"{where}/{index}")
            if found:
                return found
        return ""
    return "" if one == other else f"{where}: {one!r} != {other!r}"
