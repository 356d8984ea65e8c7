"""The lockdown: who may come in while the server is under attack. Users who are present stay."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from chatroom.chat.stored.records import Role

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry, StoredLockdown


class Lockdown(Enum):
    """The states."""

    OFF = "off"
    ACCOUNTS_ONLY = "accounts-only"
    """Guests stay out, and no name is registered from the chat without an invite."""
    ON = "on"
    """All stay out but moderators and admins."""

    def closes_registration(self, registration: str) -> bool:
        """True if no name is registered now. ``registration`` is the setting: it may take an invite anyway."""
        return self is Lockdown.ON or (self is Lockdown.ACCOUNTS_ONLY and registration != "invite")

    def refuses(self, account: AccountEntry | None) -> bool:
        """True if a new user of that account (None: a guest) must stay out."""
        if self is Lockdown.OFF:
            return False
        return account is None or (self is Lockdown.ON and account.role < Role.MODERATOR)


class CurrentLockdown:
    """The state that was set last, and when it ends. Guarded by the hub lock.

    It ends by the wall clock. If that is set back, it is in force again, as a ban is.
    """

    __slots__ = ("_state", "is_stored", "set_by", "until_ms")

    def __init__(self) -> None:
        self._state = Lockdown.OFF
        self.until_ms: int | None = None
        """When the lockdown ends, in Unix milliseconds; None if it lasts until somebody ends it."""
        self.set_by = ""
        self.is_stored = True
        """False if the database did not take the last change."""

    def at(self, wall_ms: int) -> Lockdown:
        """Return the state at a time, in Unix milliseconds."""
        return Lockdown.OFF if self.until_ms is not None and self.until_ms <= wall_ms else self._state

    def set(self, state: Lockdown, until_ms: int | None, by: str) -> None:
        """Set the state, until a time in Unix milliseconds."""
        self._state, self.until_ms, self.set_by = state, until_ms, by

    def restore(self, stored: StoredLockdown | None) -> None:
        """Go on with what an earlier run of the daemon has stored."""
        if stored is not None:
            self.set(Lockdown(stored.state), stored.until_ms, stored.set_by)
