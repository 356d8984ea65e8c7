"""The users online: by account, by rank, and in numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from chatroom.chat.stored.records import AccountData

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
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
        "opered",
        "unregistered",
    )

    def __init__(self) -> None:
        self.by_account: dict[int, dict[User, None]] = {}
        """The users logged in to each account, by its id. An account without users is not in it."""
        self.account_data: dict[int, AccountData] = {}
        """The data of each account that has users online, or soon will have, by the account's id."""
        self.operators: dict[User, None] = {}
        """The users with +o: those with a session that has the rights of a moderator or an admin."""
        self.opered: dict[Session, None] = {}
        """The sessions that have rights by OPER."""
        self.invisible = 0
        """How many users are invisible."""
        self.unregistered: dict[Session, None] = {}
        """The sessions that have not completed their registration, the oldest first."""
        self.most_users = 0
        """The highest number of users at a time since the start."""
        self.last_guest_number = 0
        """The number of the last ``Guest`` nick that was given out."""

    def data_of(self, account_id: int) -> AccountData:
        """The data of an account that has users online, or soon will have."""
        return self.account_data.setdefault(account_id, AccountData())

    def users_of(self, account_id: int) -> Collection[User]:
        """The users logged in to an account. Copy them before a change of the account's users."""
        return self.by_account.get(account_id, ())

    def is_always_on(self, user: User) -> bool:
        """True if the user is the only one of an account that is always on."""
        account = user.account
        return account is not None and account.always_on and len(self.users_of(account.id)) == 1

    def add(self, user: User, count: int) -> None:
        """Take in a new user, with the account that the user has; ``count`` is the number of users with this one."""
        if user.account is not None:
            self._list(user, user.account)
            # The account's other users share its data. Without any, it is what registration has loaded.
            user.account_data = self.account_data.setdefault(user.account.id, user.account_data)
            self.show_rank(user)  # only an account can make a new user an operator
        self.most_users = max(self.most_users, count)

    def discard(self, user: User) -> None:
        """Forget a user that is gone."""
        self.operators.pop(user, None)
        if self.opered:
            for session in user.sessions:
                self._take_oper(session)
        if user.account is not None:
            self._unlist(user)
            self.forget_unused_data(user.account)
        if user.invisible:
            self.set_invisible(user, False)

    def add_session(self, user: User, session: Session) -> None:
        """Give a user one more session, or the first one of a user that had none."""
        user.sessions.append(session)
        self.show_rank(user)  # the user's other sessions may have put their rights aside

    def discard_session(self, user: User, session: Session) -> None:
        """Forget a session that has ended, of a user that has others."""
        self._take_oper(session)
        self.show_rank(user)

    def rename_target(self, users: Iterable[User], before: str, after: str) -> None:
        """Have the read markers of all users follow a channel or a person, from one casefolded name to another."""
        # The users of an account share one ``AccountData``, which must be changed once.
        guests = [user.account_data for user in users if user.account is None]
        for account_data in (*self.account_data.values(), *guests):
            account_data.rename_target(before, after)

    def set_account(self, user: User, account: AccountEntry | None) -> None:
        """Log a user in or out, or replace the entry of an account that has changed."""
        old = user.account
        self._unlist(user)
        user.account = account
        for session in user.sessions:
            # Rights are put aside for one role only. And those by OPER end with the account they came to.
            if old is None or account is None or (old.id, old.role) != (account.id, account.role):
                session.stepped_down = False
            if old is not None and (account is None or old.id != account.id):
                self._take_oper(session)
        if account is None:
            user.account_data = AccountData()
        else:
            self._list(user, account)
            user.account_data = self.account_data.setdefault(account.id, AccountData())
        self.show_rank(user)
        self.forget_unused_data(old)

    def forget_unused_data(self, account: AccountEntry | None) -> None:
        """Drop the data of an account that no user is logged in to. A session that still needs it loads it again."""
        # Only after the user is listed anew: an account whose entry was replaced keeps its data.
        if account is not None and account.id not in self.by_account:
            self.account_data.pop(account.id, None)

    def set_invisible(self, user: User, invisible: bool) -> None:
        """Hide a user from those without a common channel, or show the user again."""
        self.invisible += int(invisible) - int(user.invisible)
        user.invisible = invisible

    def set_oper(self, user: User, session: Session, account: AccountEntry | None) -> None:
        """Give one session of a user the role of an account besides that of the user's own, or take it back (None)."""
        if account is None:
            self._take_oper(session)
        else:
            session.oper = account
            self.opered[session] = None
        self.show_rank(user)

    def step_down(self, user: User, session: Session) -> None:
        """Put the operator rights of one session of a user aside, until its next OPER or login."""
        session.stepped_down = True
        self.set_oper(user, session, None)

    def step_up(self, user: User, session: Session) -> None:
        """Give a session the rights of its user's account back."""
        session.stepped_down = False
        self.show_rank(user)

    def _list(self, user: User, account: AccountEntry) -> None:
        self.by_account.setdefault(account.id, {})[user] = None

    def _take_oper(self, session: Session) -> None:
        session.oper = None
        self.opered.pop(session, None)

    def show_rank(self, user: User) -> None:
        """List a user as an operator if one of its sessions has the rights, or no longer."""
        if user.is_operator:
            self.operators[user] = None
        else:
            self.operators.pop(user, None)

    def _unlist(self, user: User) -> None:
        if user.account is None:
            return
        users = self.by_account.get(user.account.id)
        if users is not None:
            users.pop(user, None)
            if not users:
                del self.by_account[user.account.id]
