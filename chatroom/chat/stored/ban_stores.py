"""The Protocol of the store for bans. What all methods have in common stands in ``stores``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from chatroom.chat.stored.records import Actor, Ban, BanKind, BanRule, NewBan, StoredLockdown


class BanStore(Protocol):
    """Bans. A ban is never deleted: it is lifted, or it expires.

    A target (a name or a network) has at most one ban in force. A ban is in force at ``now`` if it was not lifted and
    does not expire at or before ``now``.
    """

    def add(self, kind: BanKind, target: str, reason: str, until_at: datetime | None, by: Actor) -> Ban:
        """Ban a name or a network, and lift the ban that was in force for it. Audit: ``ban.add``.

        The caller has checked the target (``chatroom.chat.admission.ban_targets``). ``until_at`` is when the ban
        expires; None means never. Raises ``InvalidTarget`` if a target of kind ``ip`` is no network.
        """
        ...

    def add_many(self, bans: Sequence[NewBan], by: Actor) -> list[Ban]:
        """Add several bans in one transaction, as ``add`` does; returned in that order.

        Other writers wait meanwhile, so the caller keeps the list short: 250 take about 20 ms.
        """
        ...

    def lift(self, ban_id: int, by: Actor) -> Ban:
        """Lift a ban and return it. Raises ``NotFound`` if no ban with that id is in force. Audit: ``ban.remove``."""
        ...

    def find(self, ban_id: int) -> Ban | None:
        """The ban with that id, in force or not; or None."""
        ...

    def find_in_force(self, kind: BanKind, target: str, now: datetime) -> Ban | None:
        """The ban in force for exactly this name or network, or None. A ban of a larger network does not count."""
        ...

    def list_in_force(self, now: datetime) -> list[Ban]:
        """All bans in force, newest first."""
        ...

    def list_all(self) -> list[Ban]:
        """All bans, in force or not, newest first."""
        ...

    def load_rules(self, now: datetime) -> Iterator[BanRule]:
        """All bans in force in the form that the daemon keeps in memory. Must be quick for 100,000 bans.

        Consume the iterator before another call of this thread's stores.
        """
        ...

    def find_rule(self, ban_id: int, now: datetime) -> BanRule | None:
        """One ban in the form that the daemon keeps in memory, or None if it is not in force."""
        ...


class LockdownStore(Protocol):
    """The lockdown that was set last. No change is logged: only the daemon sets it."""

    def save(self, state: str, until_at: datetime | None, by: Actor) -> None:
        """Store the state until a time; ``off`` forgets the one before. Audit: ``server.lockdown``."""
        ...

    def load(self) -> StoredLockdown | None:
        """What is stored, also if its time is over; None for no lockdown."""
        ...
