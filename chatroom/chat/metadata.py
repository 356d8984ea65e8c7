"""Metadata of users and channels: what a key may be, which sessions see a target, and telling them of a change.

Source: IRCv3 draft/metadata-3. Any client that sees a target may read its metadata: the visibility is always ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from chatroom.irc import caps, numerics
from chatroom.irc.framing import encode
from chatroom.irc.limits import METADATA_KEY_BYTES, METADATA_KEYS, METADATA_SUBSCRIPTIONS, METADATA_VALUE_BYTES

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

_KEY = re.compile(rf"[a-z0-9_./-]{{1,{METADATA_KEY_BYTES}}}")
_AWARE = caps.METADATA | caps.BATCH


def capability_value() -> str:
    """The value of the capability: the limits."""
    return (
        f"before-connect,max-subs={METADATA_SUBSCRIPTIONS},max-keys={METADATA_KEYS}"
        f",max-key-bytes={METADATA_KEY_BYTES},max-value-bytes={METADATA_VALUE_BYTES}"
    )


def is_key(word: str) -> bool:
    """True if ``word`` is a valid key."""
    return _KEY.fullmatch(word) is not None


def is_aware(session: Session) -> bool:
    """True if the client understands metadata: it negotiated the capability and batches."""
    return session.caps & _AWARE == _AWARE


def wanted(session: Session, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys with their values that the session subscribed to, in the order of its subscriptions."""
    if values and is_aware(session):
        for key in session.subscriptions:
            value = values.get(key)
            if value is not None:
                yield key, value


def sessions_that_see(world: World, user: User) -> Iterable[Session]:
    """The sessions that read changes of a user: the user's own, those in the same channels, those that monitor it."""
    # First the users, each once: in many channels the members are much the same.
    members: dict[User, object] = {user: None}
    for channel in user.channels:
        members.update(channel.members)
    seen = {session: None for member in members for session in member.sessions}
    seen.update(dict.fromkeys(world.monitors.watchers(user.nick)))
    return seen


def value_line(world: World, session: Session, target: str, key: str, value: str | None) -> str:
    """The line that tells a session a key's value (761), or that the key is not set (766)."""
    me = session.user.nick if session.user is not None else "*"
    head = f":{world.settings.server.name}"
    if value is None:
        code, text = numerics.RPL_KEYNOTSET
        return f"{head} {code} {me} {target} {key} :{text}"
    return f"{head} {numerics.RPL_KEYVALUE.code} {me} {target} {key} * :{value}"


def tell_change(
    world: World, by: Session | None, sessions: Iterable[Session], target: str, key: str, value: str | None
) -> None:
    """Tell a change to those of ``sessions`` that subscribed to its key, except to ``by``, which made it."""
    for session in sessions:
        if session is not by and key in session.subscriptions and is_aware(session):
            world.tell_session(session, value_line(world, session, target, key, value))


def tell_wanted(world: World, sessions: Iterable[Session], target: str, values: Mapping[str, str]) -> None:
    """Tell sessions what each of them subscribed to of a target that they begin to see."""
    # Clients of one kind subscribe to the same keys, and their lines differ in the reader's nick only.
    ends: dict[tuple[str, ...], list[bytes]] = {}
    head = f":{world.settings.server.name} {numerics.RPL_KEYVALUE.code} "
    for session in sessions:
        if not session.subscriptions or session.user is None or not is_aware(session):
            continue
        lines = ends.get(session.subscriptions)
        if lines is None:
            pairs = wanted(session, values)
            lines = ends[session.subscriptions] = [encode(f" {target} {key} * :{value}") for key, value in pairs]
        if lines:
            begin = f"{head}{session.user.nick}".encode()
            world.outbox.to_session(session, b"".join([begin + line for line in lines]))
