"""The lockdown: who may come in while the server is under attack. Users who are present stay."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from chatroom.chat.stored.records import Role

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry


class Lockdown(Enum):
    """The states. None of them outlives the daemon: a restart ends a lockdown."""

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
