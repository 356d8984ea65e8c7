"""Metadata of people and channels: what a key may be, how much there may be, and who is told of a change.

Source: IRCv3 draft/metadata-2. Everybody may read everything: visibility is always ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from chatroom.irc import caps
from chatroom.irc.limits import METADATA_KEYS, METADATA_SUBSCRIPTIONS, METADATA_VALUE_BYTES

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World


_KEY = re.compile(r"[a-z0-9_./-]{1,48}")


def capability_value() -> str:
    """What the capability tells of the limits."""
    limits = f"max-subs={METADATA_SUBSCRIPTIONS},max-keys={METADATA_KEYS},max-value-bytes={METADATA_VALUE_BYTES}"
    return f"before-connect,{limits}"


def is_key(word: str) -> bool:
    """Whether a key may be called that."""
    return _KEY.fullmatch(word) is not None


def message(target: str, key: str, value: str | None) -> str:
    """The METADATA message for a value, or for one that was taken away."""
    return f"METADATA {target} {key} *" + ("" if value is None else f" :{value}")


def wanted(session: Session, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What of some metadata a session has asked to be told."""
    if values and session.caps & caps.METADATA:
        for key in session.subscriptions:
            value = values.get(key)
            if value is not None:
                yield key, value


def those_who_see(world: World, user: User) -> Iterable[Session]:
    """The sessions that are told of changes of somebody: who shares a channel with them, who watches them, and they."""
    seen = dict.fromkeys(user.sessions)
    for channel in user.channels:
        seen.update(dict.fromkeys(channel.sessions))
    seen.update(dict.fromkeys(world.monitors.watchers(user.nick)))
    return seen


def tell_change(world: World, by: Session, sessions: Iterable[Session], name: str, key: str, value: str | None) -> None:
    """Tell a change to those of ``sessions`` who asked for its key, but not to the one that made it."""
    told = [session for session in sessions if session is not by and _is_subscribed(session, key)]
    if told:
        source = by.user.prefix if by.user is not None else world.settings.server.name
        event = world.outbox.event(source, message(name, key, value), by.user)
        for session in told:
            world.tell_event(session, event)


def _is_subscribed(session: Session, key: str) -> bool:
    return bool(session.caps & caps.METADATA) and key in session.subscriptions
