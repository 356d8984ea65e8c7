"""The accept lists: which guests may write to a user that only users with an account can write to (user mode R).

A user is on a list under its present nick. It is off when it takes another one or leaves, so that no list follows a
guest from nick to nick.

Source: solanum, ``doc/features/modeg.txt`` (ACCEPT).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatroom.irc.limits import ACCEPTED_USERS

if TYPE_CHECKING:
    from chatroom.chat.people.user import User


class AcceptLists:
    """The accepted users by user, and back. Guarded by the hub lock."""

    __slots__ = ("_accepted", "_accepters")

    def __init__(self) -> None:
        self._accepted: dict[User, dict[User, bool]] = {}
        """By user: the accepted users, oldest first, with True for those that ACCEPT has named. No dict is empty."""
        self._accepters: dict[User, dict[User, None]] = {}
        """By user: the users that accept it. No dict is empty."""

    def has(self, user: User, other: User) -> bool:
        """True if ``other`` is on the user's list."""
        return other in self._accepted.get(user, ())

    def list_of(self, user: User) -> list[User]:
        """The users on the user's list, oldest first."""
        return list(self._accepted.get(user, ()))

    def add(self, user: User, other: User) -> bool:
        """Put ``other`` on the user's list by ACCEPT. False if the list is full."""
        accepted = self._accepted.get(user, {})
        if other not in accepted and len(accepted) >= ACCEPTED_USERS:
            return False
        self._put(user, other, True)
        return True

    def add_written_to(self, user: User, other: User) -> None:
        """Put ``other`` on the user's list because the user writes to it.

        On a full list it takes the place of the oldest user that came there in the same way; without any, it stays off.
        """
        accepted = self._accepted.get(user, {})
        if other in accepted:
            return
        if len(accepted) >= ACCEPTED_USERS:
            oldest = next((one for one, named in accepted.items() if not named), None)
            if oldest is None:
                return
            self.discard(user, oldest)
        self._put(user, other, False)

    def discard(self, user: User, other: User) -> bool:
        """Take ``other`` off the user's list. False if it is not on it."""
        accepted = self._accepted.get(user, {})
        if accepted.pop(other, None) is None:
            return False
        accepters = self._accepters[other]
        del accepters[user]
        if not accepted:
            del self._accepted[user]
        if not accepters:
            del self._accepters[other]
        return True

    def forget_nick(self, user: User) -> None:
        """Take a user off all lists, because it gives up its nick."""
        for accepter in list(self._accepters.get(user, ())):
            self.discard(accepter, user)

    def forget_user(self, user: User) -> None:
        """Forget a user that is gone, and its list."""
        if self._accepted:  # without a list of anybody there is nothing to forget
            self.forget_nick(user)
            for other in self.list_of(user):
                self.discard(user, other)

    def to_state(self) -> list[list[Any]]:
        """All lists: the nicks of the user and of the accepted one, and True if ACCEPT has named it."""
        return [
            [user.folded, other.folded, named]
            for user, accepted in self._accepted.items()
            for other, named in accepted.items()
        ]

    def use_state(self, state: list[list[Any]], users: Mapping[str, User]) -> None:
        """Take over the lists of other users, who are these ones by casefolded nick."""
        for folded, other, named in state:
            self._put(users[folded], users[other], named)

    def _put(self, user: User, other: User, named: bool) -> None:
        self._accepted.setdefault(user, {})[other] = named
        self._accepters.setdefault(other, {})[user] = None
