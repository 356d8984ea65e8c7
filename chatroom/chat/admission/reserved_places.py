"""Places that are kept free on a full server: the last connections are for accounts, the very last for operators.

A connection is judged when its registration completes, because nothing is known of it before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.stored.records import Role

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.config.chatting import Limits


class Places(NamedTuple):
    """How many connections there are and can be."""

    taken: int
    """Open connections, those in their handshake or registration included unless the caller leaves them out."""
    most: int | None
    """None if nothing bounds them."""

    def has_one_for(self, account: AccountEntry | None, limits: Limits) -> bool:
        """True if a connection that is among those taken may stay, with that account (None: a guest's).

        Of all places at most half are reserved, whatever the settings, so that guests can come to a small server.
        """
        if self.most is None or self.taken <= self.most // 2:
            return True
        if not limits.enabled or (account is not None and account.role >= Role.MODERATOR):
            return True
        wanted = limits.reserved_for_accounts + limits.reserved_for_operators
        if not wanted:
            return True
        reserved = min(wanted, self.most // 2)
        if account is not None:
            reserved = reserved * limits.reserved_for_operators // wanted  # of fewer places both have their share
        return self.taken <= self.most - reserved
