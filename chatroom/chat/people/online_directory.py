"""The users online: by account, by rank, and in numbers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from chatroom.chat.stored.records import AccountData

if TYPE_CHECKING:
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry


class OnlineDirectory:
    """What the world knows of its users as a whole. Guarded by the hub lock.

    ``World.users`` has the users themselves, by nick.
    """

    __slots__ = (
        "account_data",
        "by_account",
        "invisible",
        "last_guest_number",
        "most_users",
        "operators",
        "unregistered",
    )

    def __init__(self) -> None:
        self.by_account: dict[int, dict[User, None]] = {}
        """The users logged in to each account, by its id. An account without users is not in it."""
        self.account_data: dict[int, AccountData] = {}
        """The data of each account that has users online, or soon will have, by the account's id."""
        self.operators: dict[User, None] = {}
        """The users with +o: admins and moderators that have not put it aside."""
        self.invisible = 0
        """How many users are invisible."""
        self.unregistered = 0
        """How many sessions have not completed their registration."""
        self.most_users = 0
        """The highest number of users at a time since the start."""
        self.last_guest_number = 0
        """The number of the last ``Guest`` nick that was given out."""

    def users_of(self, account_id: int) -> Collection[User]:
        """The users logged in to an account. Copy them before a change of the account's users."""
        return self.by_account.get(account_id, ())

    def add(self, user: User, count: int) -> None:
        """Take in a new user, with the account that the user has; ``count`` is the number of users with this one."""
        if user.account is not None:
            self._list(user, user.account)
            # The account's other users share its data. Without any, it is what registration has loaded.
            user.account_data = self.account_data.setdefault(user.account.id, user.account_data)
        self.most_users = max(self.most_users, count)

    def discard(self, user: User) -> None:
        """Forget a user that is gone."""
        self._unlist(user)
        self._forget_unused_data(user.account)
        self.set_invisible(user, False)

    def set_account(self, user: User, account: AccountEntry | None) -> None:
        """Log a user in or out, or replace the entry of an account that has changed."""
        old = user.account
        self._unlist(user)
        user.account = account
        if account is None:
            user.account_data = AccountData()
        else:
            self._list(user, account)
            user.account_data = self.account_data.setdefault(account.id, AccountData())
        self._forget_unused_data(old)

    def set_invisible(self, user: User, invisible: bool) -> None:
        """Hide a user from those without a common channel, or show the user again."""
        self.invisible += int(invisible) - int(user.invisible)
        user.invisible = invisible

    def step_down(self, user: User) -> None:
        """Put a user's operator rights aside, until the next login."""
        user.stepped_down = True
        self.operators.pop(user, None)

    def _list(self, user: User, account: AccountEntry) -> None:
        self.by_account.setdefault(account.id, {})[user] = None
        if user.is_operator:
            self.operators[user] = None

    def _unlist(self, user: User) -> None:
        if user.account is None:
            return
        self.operators.pop(user, None)
        users = self.by_account.get(user.account.id)
        if users is not None:
            users.pop(user, None)
            if not users:
                del self.by_account[user.account.id]

    def _forget_unused_data(self, account: AccountEntry | None) -> None:
        # Only after the user is listed anew: an account whose entry was replaced keeps its data.
        if account is not None and account.id not in self.by_account:
            self.account_data.pop(account.id, None)
