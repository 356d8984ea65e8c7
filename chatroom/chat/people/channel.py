"""A channel: its members, modes and lists, and the record of it that is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from chatroom.chat.people.ban_masks import BanMask, compile_ban, rename_in_ban
from chatroom.chat.people.flood_modes import SlowMode, Throttle
from chatroom.chat.stored.records import AccessLevel, ListEntry, ListMode, Role, StoredChannel
from chatroom.irc.modes import ModeKinds
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User

VOICE: Final = 1
OP: Final = 2
"""The standings of a member, as bits."""

PREFIX_MODES: Final = {"o": OP, "v": VOICE}
LIST_MODES: tuple[ListMode, ...] = ("b", "e", "I")
# C: no CTCP. H: no history from before a member's JOIN. M: only accounts speak. R: only accounts join. i: invitations.
# U: only operators read users without a standing. m: only members with a standing speak. n: no messages from outside.
# s: hidden. t: only operators set the topic. z: only users with TLS on every connection join.
FLAG_MODES: Final = "CHMRUimnstz"
CHANNEL_KINDS: Final = ModeKinds(lists="Ibe", always="k", when_set="FWfjl", flags=FLAG_MODES, prefixes="ov")
NEW_CHANNEL_FLAGS: Final = frozenset("nt")
_RESTRAINING: Final = frozenset("CMUm")
"""The flags that concern what members say."""
MOST_ENDED_BANS: Final = 50
"""How many bans whose time is over a channel keeps, in case the clock is wrong."""


def prefixes(standing: int, multiple: bool) -> str:
    """Return the signs in front of a member's nick: the highest one, or all if ``multiple`` (multi-prefix)."""
    if standing & OP:
        return "@+" if multiple and standing & VOICE else "@"
    return "+" if standing & VOICE else ""


class Channel:
    """A channel. Guarded by the hub lock."""

    __slots__ = (
        # Many, because the protocol gives a channel a topic, modes, lists and members, and most of them are stored.
        "access",
        "began_after",
        "configured",
        "created_ms",
        "ended_bans",
        "flags",
        "folded",
        "forward",
        "founder_id",
        "has_history",
        "join_throttle",
        "joined_after",
        "key",
        "limit",
        "lists",
        "members",
        "metadata",
        "name",
        "nick_throttle",
        "number",
        "sessions",
        "slow_mode",
        "stored",
        "topic",
        "topic_by",
        "topic_ms",
        "untold",
        "used_ms",
    )

    def __init__(self, name: str, wall_ms: int, number: int = 0) -> None:
        self.number = number
        """How many channels had been made with this one. By it a verb sees that one was made while it waited."""
        self.name = name
        self.folded = casefold(name)
        self.created_ms = wall_ms
        """When the channel was created. This and all other times are Unix milliseconds."""
        self.members: dict[User, int] = {}
        """The members with their standings."""
        self.sessions: set[Session] = set()
        """The sessions that read what is said here: all sessions of all members, except those in replay."""
        # Frozen, so that all channels with the modes of a new one share the set.
        self.flags: frozenset[str] = NEW_CHANNEL_FLAGS
        self.key: str | None = None
        self.limit: int | None = None
        self.topic = ""
        self.topic_by = ""
        """The prefix of the user that set the topic."""
        self.topic_ms = 0
        """When the topic was set; 0 if it never was."""
        self.untold: tuple[str, ...] = ()
        """In a cluster, the changes that are in force, are being saved and were told nobody, in order: the home of the
        node that saves each, and the number of the session there."""
        self.forward: str | None = None
        """The channel that a user enters instead, if this one refuses the user (mode f)."""
        self.join_throttle: Throttle | None = None
        """How many users can join in a while (mode j)."""
        self.nick_throttle: Throttle | None = None
        """How many nicks of members can change in a while (mode F)."""
        self.slow_mode: SlowMode | None = None
        """How often a user can say something (mode W)."""
        self.metadata: dict[str, str] = {}
        self.lists: dict[ListMode, dict[str, tuple[ListEntry, BanMask]]] = {}
        """By list and casefolded mask: the entry, and its mask compiled."""
        self.ended_bans: tuple[ListEntry, ...] = ()
        """Bans that the server has lifted because their time was over, the newest last. If the clock is set back before
        their ends, they hold again (``ban_ends``)."""
        self.founder_id: int | None = None
        """The account that founded the channel; None for a guest's or a configured channel."""
        self.access: dict[int, AccessLevel] = {}
        """By account id: the level that gives a user of the account its standing when it joins."""
        self.configured = False
        """True if the configuration names the channel. Its first member does not become its operator."""
        self.stored = False
        """True if the channel stays when its last member leaves, and after a restart."""
        self.used_ms = wall_ms
        """When it last had a member, to a day; 0 if that is not known (``unused_channels``)."""
        self.began_after = 0
        """The last message id from before the channel; 0 if all that the history has under its name is its own."""
        self.joined_after: dict[User, int] = {}
        """For each member the last message id from before its JOIN."""
        self.has_history = False
        """True if the history has something that was said here since the start of the daemon."""

    def rename(self, name: str) -> None:
        """Take another name. Call ``World.rename_channel``, which finds the channel by it."""
        self.name = name
        self.folded = casefold(name)

    def readable_after(self, user: User, role: Role) -> int:
        """The message id after which the user may read the history: with mode H the last one before the user's JOIN.

        Moderators read all that is the channel's own. A message id is compared and no time, because the clock may have
        been set since.
        """
        if "H" in self.flags and role < Role.MODERATOR:
            return max(self.began_after, self.joined_after.get(user, 0))
        return self.began_after

    def add_member(self, user: User, standing: int, last_message_id: int) -> None:
        """Take a user in, which has the channel from now on, too. Call ``World.join``, which settles what was said."""
        self.members[user] = standing
        self.joined_after[user] = last_message_id
        self.sessions.update(user.sessions)
        if user.invited:
            user.invited -= {self}
        user.channels[self] = None
        if self.slow_mode is not None:
            self.slow_mode.add_member(user)

    def discard_member(self, user: User) -> None:
        """Take a user out. Call ``World.leave``, which settles what was said."""
        self.members.pop(user, None)
        self.joined_after.pop(user, None)
        self.sessions.difference_update(user.sessions)
        user.channels.pop(self, None)
        if self.slow_mode is not None:
            self.slow_mode.discard_member(user)

    def set_standing(self, user: User, standing: int) -> None:
        """Give a member another standing."""
        self.members[user] = standing

    def set_access(self, account_id: int, level: AccessLevel | None) -> None:
        """Give an account a level, or take it (None)."""
        if level is None:
            self.access.pop(account_id, None)
        else:
            self.access[account_id] = level

    def add_mask(self, entry: ListEntry) -> None:
        """Add an entry to its list, in place of one with the same mask."""
        if self.ended_bans:
            self._forget_ended(entry.mode, entry.mask)
        self.lists.setdefault(entry.mode, {})[casefold(entry.mask)] = (entry, compile_ban(entry.mask))

    def find_entry(self, mode: ListMode, mask: str) -> ListEntry | None:
        """The entry of a mask on a list, or None."""
        found = self.lists.get(mode, {}).get(casefold(mask))
        return found[0] if found is not None else None

    def discard_mask(self, mode: ListMode, mask: str) -> ListEntry | None:
        """Remove a mask from a list. Return its entry, or None if it was not on the list."""
        if self.ended_bans:
            self._forget_ended(mode, mask)
        found = self.lists.get(mode, {}).pop(casefold(mask), None)
        return found[0] if found is not None else None

    def end_ban(self, entry: ListEntry) -> None:
        """Take a ban off its list because its time is over, and keep it aside."""
        self.discard_mask("b", entry.mask)
        self.ended_bans = (*self.ended_bans, entry._replace(is_over=True))[-MOST_ENDED_BANS:]

    def revive_ban(self, entry: ListEntry) -> None:
        """Put one of ``ended_bans`` back on its list."""
        self.add_mask(entry._replace(is_over=False))

    def _forget_ended(self, mode: ListMode, mask: str) -> None:
        """Forget an ended ban: another one has its place, or an operator has lifted it."""
        if mode == "b":
            folded = casefold(mask)
            self.ended_bans = tuple(entry for entry in self.ended_bans if casefold(entry.mask) != folded)

    def rename_account(self, old: str, new: str) -> list[tuple[ListMode, str, str]]:
        """Have the masks of an account follow it to another name. Return the list, the old and the new mask of each."""
        changed = []
        for mode in LIST_MODES:
            for entry in self.entries(mode):
                mask = rename_in_ban(entry.mask, old, new)
                if mask is not None:
                    self.discard_mask(mode, entry.mask)
                    self.add_mask(entry._replace(mask=mask))
                    changed.append((mode, entry.mask, mask))
        self.ended_bans = tuple(
            entry._replace(mask=rename_in_ban(entry.mask, old, new) or entry.mask) for entry in self.ended_bans
        )
        return changed

    def entries(self, mode: ListMode) -> list[ListEntry]:
        """The entries of a list, oldest first."""
        return [entry for entry, _ in self.lists.get(mode, {}).values()]

    def matches(self, mode: ListMode, user: User, *, speaking: bool = False) -> bool:
        """True if a mask of the list fits the user. Mutes count only for ``speaking``."""
        found = self.lists.get(mode)
        if not found:
            return False
        prefix, account = user.prefix, user.account_name
        return any((speaking or not mask.mutes) and mask.fits(prefix, account) for _, mask in found.values())

    def excludes(self, user: User) -> bool:
        """True if the channel is for TLS only (+z) and a connection of the user is not encrypted."""
        return "z" in self.flags and user.reads_in_clear

    @property
    def restrains_members(self) -> bool:
        """True if a mode or a list may keep a member from saying something, or from being read by all."""
        return bool(self.lists) or self.slow_mode is not None or not self.flags.isdisjoint(_RESTRAINING)

    def is_banned(self, user: User) -> bool:
        """True if a ban keeps the user from joining, and no exception fits."""
        # Most channels have no lists at all.
        return bool(self.lists) and self.matches("b", user) and not self.matches("e", user)

    def is_silenced(self, user: User) -> bool:
        """True if a ban or a mute keeps the user from speaking, and no exception fits."""
        return self.matches("b", user, speaking=True) and not self.matches("e", user, speaking=True)

    def is_prefix_silenced(self, *prefixes: str) -> bool:
        """Like ``is_silenced``, for the source of a relayed message, which is no user here.

        Several ``prefixes`` are forms of the same source: a mask that fits one of them fits the source.
        """

        def fits(mode: ListMode) -> bool:
            masks = [mask for _, mask in self.lists.get(mode, {}).values()]
            return any(mask.fits(prefix, None) for mask in masks for prefix in prefixes)

        return fits("b") and not fits("e")

    def regained_standing(self, account_id: int) -> int:
        """The standing that a user of the account gets when it joins; 0 if it gets none."""
        level = self.access.get(account_id)
        if level in ("founder", "o"):
            return OP
        return VOICE if level == "v" else 0

    def modes(self, with_secrets: bool) -> list[str]:
        """The modes as parameters of MODE. The key is ``*`` unless ``with_secrets``."""
        given = {
            "F": self.nick_throttle,
            "W": self.slow_mode.interval_s if self.slow_mode is not None else None,
            "f": self.forward,
            "j": self.join_throttle,
            "k": self.key if with_secrets or self.key is None else "*",
            "l": self.limit,
        }
        params = {letter: str(value) for letter, value in given.items() if value is not None}
        return ["+" + "".join([*sorted(self.flags), *params]), *params.values()]

    def to_record(self) -> StoredChannel:
        """Return what survives a restart."""
        return StoredChannel(
            name=self.name,
            founder_id=self.founder_id,
            created_at=_moment(self.created_ms),
            flags="".join(sorted(self.flags)),
            key=self.key,
            limit=self.limit,
            forward=self.forward,
            metadata=dict(self.metadata),
            used_at=_moment(self.used_ms) if self.used_ms else None,
            topic=self.topic,
            topic_by=self.topic_by,
            topic_at=_moment(self.topic_ms) if self.topic_ms else None,
            lists=(*(entry for mode in LIST_MODES for entry in self.entries(mode)), *self.ended_bans),
            access=dict(self.access),
            join_throttle=str(self.join_throttle) if self.join_throttle is not None else None,
            nick_throttle=str(self.nick_throttle) if self.nick_throttle is not None else None,
            slow_mode_s=self.slow_mode.interval_s if self.slow_mode is not None else None,
        )

    def restore(self, record: StoredChannel) -> None:
        """Take over what was stored. The members stay."""
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
        self.ended_bans = tuple(entry for entry in record.lists if entry.is_over)
        for entry in record.lists:
            if not entry.is_over:
                self.add_mask(entry)
        self.access = dict(record.access)
        self.join_throttle = Throttle.parse(record.join_throttle)
        self.nick_throttle = Throttle.parse(record.nick_throttle)
        self.slow_mode = SlowMode(record.slow_mode_s) if record.slow_mode_s is not None else None
        self.used_ms = int(record.used_at.timestamp() * 1000) if record.used_at else 0
        self.stored = True


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
