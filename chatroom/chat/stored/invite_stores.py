"""The Protocol of the store for invites. What all methods have in common stands in ``stores``."""

from __future__ import annotations

from typing import Protocol

from chatroom.chat.stored.invite_records import Invite, InvitedAccount, IssuedInvite, NewAccount, NewInvite
from chatroom.chat.stored.records import Actor


class InviteStore(Protocol):
    """Invites. No change to them is logged: the daemon asks at each use."""

    def add(self, new: NewInvite, by: Actor) -> IssuedInvite:
        """Make an invite with a new token. Audit: ``invite.create``, which has the id and not the token.

        Raises ``TooMany`` if there are ``MOST_INVITES`` open ones. Of those that are over, the oldest are deleted.
        """
        ...

    def remove(self, invite_id: int, by: Actor) -> Invite:
        """Delete an invite and return it. Raises ``NotFound``. Audit: ``invite.remove``."""
        ...

    def find(self, invite_id: int) -> Invite | None:
        """The invite with that id, open or not; or None."""
        ...

    def list_all(self) -> list[Invite]:
        """All invites, open or not, the oldest first."""
        ...

    def check(self, token: str) -> Invite:
        """Return the invite that a token is of. Raises ``WrongToken`` if it opens nothing now."""
        ...

    def register(self, token: str, new: NewAccount, by: Actor) -> InvitedAccount:
        """Use an invite once, and add an account. Both happen, or neither.

        Audit: ``user.create``, with the id of the invite. Raises ``WrongToken`` as ``check`` does, and
        ``AlreadyExists`` if the name is taken.
        """
        ...
