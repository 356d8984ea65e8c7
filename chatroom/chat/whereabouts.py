"""Whereabouts: having it stored where accounts are, for their replays and for when they come back.

It is stored for each account and channel, and for the server itself. An account that left by itself stays out; one
whose last connection broke comes back to its channels at its next login (``commands.rooms.rejoining``). A daemon that
is killed stores nothing: its next start finds the accounts recorded as present, and takes them for broken off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from chatroom.chat.people.user import ABSENT, NO_DEVICE
from chatroom.chat.stored.records import AlwaysOnUser

if TYPE_CHECKING:
    from chatroom.chat.delivery.ledger import Ledger
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.online_directory import OnlineDirectory
    from chatroom.chat.people.user import User
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.work_queue import WorkQueue


class Whereabouts:
    """Hands out the writes. Nothing is stored for a guest. Guarded by the hub lock."""

    __slots__ = ("_ledger", "_most", "_online", "_outbox", "_runtime", "_unshown", "_work")

    def __init__(
        self, work: WorkQueue, outbox: Outbox, ledger: Ledger, online: OnlineDirectory, runtime: Runtime
    ) -> None:
        self._work = work
        self._outbox = outbox
        self._ledger = ledger
        self._online = online
        self._runtime = runtime
        self._most: int | None = None
        """The highest message id that those who leave now can have read; None if they have read everything."""
        self._unshown: Collection[str] = ()
        """The channels of which they have read nothing since they came, and "" for direct messages."""

    @contextlib.contextmanager
    def read_up_to(self, message_id: int | None, unshown: Collection[str] = ()) -> Iterator[None]:
        """In the block, leave those who have read no more than that: their daemon has died. None: all until now.

        ``unshown`` are the channels of which they have read nothing since they came, and "" for direct messages.
        """
        self._most, self._unshown = message_id, unshown
        try:
            yield
        finally:
            self._most, self._unshown = None, ()

    def arrive(self, user: User, channel: Channel | None, wall_ms: int) -> None:
        """Have it stored that a user has come into a channel, or to the server (None)."""
        if user.account is not None:
            account_id, folded = user.account.id, channel.folded if channel is not None else ""
            joined_ms = wall_ms if channel is not None else None
            self._work.write(lambda stores: stores.presence.come(account_id, folded, joined_ms))

    def depart(self, user: User, channel: Channel | None, *, returns: bool = False) -> None:
        """Have it stored that a user leaves a channel, or the server (None): the account has read everything until now.

        ``returns`` is True if the account comes back to the channel at its next login.
        """
        if self._runtime.is_ending:
            return  # all users leave at once: the daemon's next start stores that with one statement
        account = user.account
        if account is None:
            return
        for other in self._online.users_of(account.id):
            if other is not user and (channel is None or channel in other.channels):
                return  # the account is still there, under another nick
        # A user without a session has read nothing since it lost the last one.
        reads = self._ledger.journal is not None and user.sessions
        message_id = self._outbox.seq if reads else None
        if message_id is not None and self._most is not None:
            message_id = min(message_id, self._most)
        folded = channel.folded if channel is not None else ""
        if folded in self._unshown:
            message_id = None
        self._work.write(lambda stores: stores.presence.go(account.id, folded, message_id, returns=returns))

    def arrive_all(self, user: User, wall_ms: int) -> None:
        """Have it stored that a user is on the server and in all its channels."""
        for place in (None, *user.channels):
            self.arrive(user, place, wall_ms)

    def depart_all(self, user: User, *, returns: bool = False) -> None:
        """Have it stored that a user is no longer on the server, nor in its channels."""
        for place in (None, *user.channels):
            self.depart(user, place, returns=returns)

    def save_user(self, user: User) -> None:
        """Have it stored what others see of a user, if its account is always on, or is a bot or was one until now."""
        account = user.account
        if account is None or not (account.always_on or user.bot or user.account_data.is_bot):
            return
        user.account_data.is_bot = user.bot
        away = None if user.away in (ABSENT, NO_DEVICE) else user.away
        record = AlwaysOnUser(account.id, user.username, user.realname, user.host, away, user.modes)
        self._work.write(lambda stores: stores.presence.save_user(record))

    def forget_channel(self, channel: Channel) -> None:
        """Have it stored that no account comes back to a channel, because it is another one of its name."""
        folded = channel.folded
        self._work.write(lambda stores: stores.presence.forget_channel(folded), alone=True)
