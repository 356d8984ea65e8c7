"""A channel: who is in it, what its modes are, and what of it outlives its members."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.people.ban_masks import BanMask, compile_ban
from chatroom.chat.stored.records import AccessLevel, ListEntry, ListMode, Role, StoredChannel
from chatroom.irc.modes import ModeKinds
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User

VOICE = 1
OP = 2
"""Standings in a channel, as bits."""

PREFIX_MODES = {"o": OP, "v": VOICE}
LIST_MODES: tuple[ListMode, ...] = ("b", "e", "I")
FLAG_MODES = "CHMRimnst"
CHANNEL_KINDS = ModeKinds(lists="Ibe", always="k", when_set="fl", flags=FLAG_MODES, prefixes="ov")
NEW_CHANNEL_FLAGS = frozenset("nt")


def prefixes(standing: int, multiple: bool) -> str:
    """The signs before a member's nick: the highest one, or all of them for readers with ``multi-prefix``."""
    if standing & OP:
        return "@+" if multiple and standing & VOICE else "@"
    return "+" if standing & VOICE else ""


class Channel:
    """A channel. Guarded by the hub lock."""

    __slots__ = (
        # Many, because the protocol gives a channel a topic, modes, lists and members, and most of them are stored.
        "access",
        "configured",
        "created_ms",
        "flags",
        "folded",
        "forward",
        "founder_id",
        "has_history",
        "joined_ms",
        "key",
        "limit",
        "lists",
        "members",
        "metadata",
        "name",
        "sessions",
        "stored",
        "topic",
        "topic_by",
        "topic_ms",
    )

    def __init__(self, name: str, now_ms: int) -> None:
        self.name = name
        self.folded = casefold(name)
        self.created_ms = now_ms
        self.members: dict[User, int] = {}
        self.sessions: set[Session] = set()
        """The sessions that read what is said here: all sessions of all members, except those in replay."""
        self.flags: frozenset[str] = NEW_CHANNEL_FLAGS
        self.key: str | None = None
        self.limit: int | None = None
        self.topic = ""
        self.topic_by = ""
        self.topic_ms = 0
        self.forward: str | None = None
        self.metadata: dict[str, str] = {}
        """The channel that those who may not come in are sent to."""
        self.lists: dict[ListMode, dict[str, tuple[ListEntry, BanMask]]] = {}
        """Per list the entries by casefolded mask, each with what it means."""
        self.founder_id: int | None = None
        self.access: dict[int, AccessLevel] = {}
        """What accounts regain when they join."""
        self.configured = False
        """Whether the configuration names it: then nobody is its operator for having come first."""
        self.stored = False
        """Whether it outlives its members."""
        self.joined_ms: dict[User, int] = {}
        """Since when its members are in it."""
        self.has_history = False
        """Whether something said here since the start was kept."""

    def rename(self, name: str) -> None:
        """Take another name. ``World.rename_channel`` is the one that finds it by that."""
        self.name = name
        self.folded = casefold(name)

    def readable_since(self, user: User, role: Role) -> int:
        """From when on somebody may read what was said; with mode H from their joining on, but for moderators."""
        if "H" in self.flags and role < Role.MODERATOR:
            return max(self.history_from_ms, self.joined_ms.get(user, 0))
        return self.history_from_ms

    @property
    def history_from_ms(self) -> int:
        """From when on what was said under its name was said in it: before, another channel may have been called so.

        A configured channel always was; when this run made it means nothing.
        """
        return 0 if self.configured else self.created_ms

    def add_mask(self, entry: ListEntry) -> None:
        """Put a mask on one of the lists."""
        self.lists.setdefault(entry.mode, {})[casefold(entry.mask)] = (entry, compile_ban(entry.mask))

    def discard_mask(self, mode: ListMode, mask: str) -> ListEntry | None:
        """Take a mask off a list; what stood there, if anything."""
        found = self.lists.get(mode, {}).pop(casefold(mask), None)
        return found[0] if found is not None else None

    def entries(self, mode: ListMode) -> list[ListEntry]:
        """One list, in the order in which it grew."""
        return [entry for entry, _ in self.lists.get(mode, {}).values()]

    def matches(self, mode: ListMode, user: User, *, speaking: bool = False) -> bool:
        """Whether a mask of that list fits the user; mutes count only where it is about ``speaking``."""
        found = self.lists.get(mode)
        if not found:
            return False
        prefix, account = user.prefix, user.account_name
        return any((speaking or not mask.mutes) and mask.fits(prefix, account) for _, mask in found.values())

    def is_banned(self, user: User) -> bool:
        """Whether a ban keeps the user out and no exception lets them in."""
        return bool(self.lists) and self.matches("b", user) and not self.matches("e", user)

    def is_silenced(self, user: User) -> bool:
        """Whether a ban or a mute fits the user and no exception does."""
        return self.matches("b", user, speaking=True) and not self.matches("e", user, speaking=True)

    def regained_standing(self, account_id: int) -> int:
        """The standing an account has here by its own right."""
        level = self.access.get(account_id)
        if level in ("founder", "o"):
            return OP
        return VOICE if level == "v" else 0

    def modes(self, with_secrets: bool) -> list[str]:
        """The modes as parameters of MODE; the key itself only for those who may know it."""
        letters = "".join(sorted(self.flags))
        params = []
        if self.forward is not None:
            letters += "f"
            params.append(self.forward)
        if self.key is not None:
            letters += "k"
            params.append(self.key if with_secrets else "*")
        if self.limit is not None:
            letters += "l"
            params.append(str(self.limit))
        return ["+" + letters, *params]

    def to_record(self) -> StoredChannel:
        """All of it that survives a restart."""
        return StoredChannel(
            name=self.name,
            founder_id=self.founder_id,
            created_at=_moment(self.created_ms),
            flags="".join(sorted(self.flags)),
            key=self.key,
            limit=self.limit,
            forward=self.forward,
            metadata=dict(self.metadata),
            topic=self.topic,
            topic_by=self.topic_by,
            topic_at=_moment(self.topic_ms) if self.topic_ms else None,
            lists=tuple(entry for mode in LIST_MODES for entry in self.entries(mode)),
            access=dict(self.access),
        )

    def restore(self, record: StoredChannel) -> None:
        """Become what was stored; who is present stays."""
        self.name = record.name
        self.founder_id = record.founder_id
        self.created_ms = int(record.created_at.timestamp() * 1000)
        self.flags = frozenset(record.flags)
        self.key = record.key
        self.limit = record.limit
        self.forward = record.forward
        self.metadata = dict(record.metadata)
        self.topic = record.topic
        self.topic_by = record.topic_by
        self.topic_ms = int(record.topic_at.timestamp() * 1000) if record.topic_at else 0
        self.lists = {}
        for entry in record.lists:
            self.add_mask(entry)
        self.access = dict(record.access)
        self.stored = True


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
