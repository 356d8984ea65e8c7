"""Mutes of the whole server: who may not talk for a while. Spam filters set them.

A mute is for an account, or for the guests of an address (IPv6: its /64), and for the connections that the user had:
logging in does not end it. It is kept in memory only, so a restart ends it: a mute is for minutes, and who goes on is
muted again by the next text that matches. What must outlast a restart is a ban.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from chatroom.chat.admission.exemption import limited_key
from chatroom.chat.admission.flood import MOST_KEYS

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.config import Settings


class Mute(NamedTuple):
    """A mute. Several keys have the same one."""

    nick: str
    """The nick that the user had."""
    until_mono_ms: int
    """When it ends, on the monotonic clock."""
    reason: str
    filter_id: int


class ServerMutes:
    """The mutes, by what they are for. Guarded by the hub lock.

    At most ``most_keys`` are kept; the oldest go first.
    """

    __slots__ = ("_by_key", "_most_keys")

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._by_key: dict[str, Mute] = {}
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, mute: Mute, user: User | None, session: Session, settings: Settings) -> None:
        """Mute a user, or a session that has none yet. A mute that lasts longer stays as it is."""
        keys = [_main_key(user, session, settings)]
        keys += [f"session {one.id}" for one in (user.sessions if user is not None else [session])]
        self.put(dict.fromkeys(keys), mute)

    def put(self, keys: Iterable[str], mute: Mute) -> None:
        """Mute under these keys, each once. A mute that lasts longer stays as it is."""
        for key in keys:
            known = self._by_key.pop(key, mute)
            self._by_key[key] = known if known.until_mono_ms > mute.until_mono_ms else mute
        while len(self._by_key) > self._most_keys:
            del self._by_key[next(iter(self._by_key))]

    def find(self, user: User, session: Session, settings: Settings, mono_ms: int) -> Mute | None:
        """Return the mute of a user who says something in a session, if there is one."""
        for key in (f"session {session.id}", _main_key(user, session, settings)):
            mute = self._by_key.get(key)
            if mute is not None and mute.until_mono_ms > mono_ms:
                return mute
        return None

    def drop_ended(self, mono_ms: int) -> None:
        """Forget the mutes that are over."""
        self._by_key = {key: mute for key, mute in self._by_key.items() if mute.until_mono_ms > mono_ms}

    def list_all(self, mono_ms: int) -> list[Mute]:
        """Return the mutes that are not over, the oldest first."""
        return [mute for mute in dict.fromkeys(self._by_key.values()) if mute.until_mono_ms > mono_ms]

    def to_state(self) -> list[list[object]]:
        """All mutes with their keys, the oldest first, for ``use_state``."""
        return [[key, *mute] for key, mute in self._by_key.items()]

    def use_state(self, state: list[list[Any]]) -> None:
        """Take over other mutes."""
        self._by_key = {key: Mute(*mute) for key, *mute in state}

    def lift(self, mute: Mute) -> None:
        """End a mute."""
        self._by_key = {key: other for key, other in self._by_key.items() if other != mute}


def _main_key(user: User | None, session: Session, settings: Settings) -> str:
    if user is not None and user.account is not None:
        return f"account {user.account.id}"
    # Users of an exempt address share it, as behind a gateway: one of them must not mute all.
    return limited_key(settings, session.version, session.address) or f"session {session.id}"
