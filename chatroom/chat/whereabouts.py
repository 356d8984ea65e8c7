"""Whereabouts: having it stored where accounts are, for their replays and for when they come back.

It is stored for each account and channel, and for the server itself. An account that left by itself stays out; one
whose last connection broke comes back to its channels at its next login (``commands.rooms.rejoining``). A daemon that
is killed stores nothing: its next start finds the accounts recorded as present, and takes them for broken off.

What was not handed to the socket is not read: a line that is shown twice does less harm than one that is lost. So an
account is recorded as present only when it has been sent what it missed, and one that leaves while its socket is behind
has read no more than that has taken.
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
    from chatroom.chat.delivery.unshown import Unshown
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.online_directory import OnlineDirectory
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.work_queue import WorkQueue


class Whereabouts:
    """Hands out the writes. Nothing is stored for a guest. Guarded by the hub lock."""

    __slots__ = ("_ledger", "_most", "_online", "_outbox", "_runtime", "_unshown", "_unshown_there", "_work")

    stores_replays = True
    """True if it is stored which replays are not written yet."""

    def __init__(
        self,
        work: WorkQueue,
        outbox: Outbox,
        ledger: Ledger,
        online: OnlineDirectory,
        runtime: Runtime,
        unshown: Unshown,
    ) -> None:
        self._work = work
        self._outbox = outbox
        self._ledger = ledger
        self._online = online
        self._runtime = runtime
        self._unshown = unshown
        self._most: int | None = None
        """The highest message id that those who leave now can have read; None if they have read everything."""
        self._unshown_there: Collection[str] = ()
        """The channels of which they have read nothing since they came, and "" for direct messages."""

    @contextlib.contextmanager
    def read_up_to(self, message_id: int | None, unshown: Collection[str] = ()) -> Iterator[None]:
        """In the block, leave those who have read no more than that: their daemon has died. None: all until now.

        ``unshown`` are the channels of which they have read nothing since they came, and "" for direct messages.
        """
        self._most, self._unshown_there = message_id, unshown
        try:
            yield
        finally:
            self._most, self._unshown_there = None, ()

    def arrive(self, user: User, channel: Channel | None, wall_ms: int) -> None:
        """Have it stored that a user has come into a channel, or to the server (None)."""
        if user.account is not None:
            account_id, folded = user.account.id, channel.folded if channel is not None else ""
            joined_ms = wall_ms if channel is not None else None
            self._work.write(lambda stores: stores.presence.come(account_id, folded, joined_ms))

    def depart(self, user: User, channel: Channel | None, *, returns: bool = False) -> None:
        """Have it stored that a user leaves a channel, or the server (None), and how far its account has read there.

        That is everything until now, but for what its sessions were not sent. ``returns`` is True if the account comes
        back to the channel at its next login.
        """
        if self._runtime.is_ending:
            return  # all users leave at once: the daemon's next start stores that with one statement
        account = user.account
        if account is None:
            return
        for other in self._online.users_of(account.id):
            if other is not user and (channel is None or channel in other.channels):
                return  # the account is still there, under another nick
        message_id = self._find_read(user, channel)
        if message_id is not None and self._most is not None:
            message_id = min(message_id, self._most)
        folded = channel.folded if channel is not None else ""
        if folded in self._unshown_there:
            message_id = None
        self._work.write(lambda stores: stores.presence.go(account.id, folded, message_id, returns=returns))

    def _find_read(self, user: User, channel: Channel | None) -> int | None:
        """The message id up to which the account has read there; None if it has read nothing since it came."""
        if self._ledger.journal is None:
            return None
        seq, read = self._outbox.seq, []
        # A user without a session has read nothing since it lost the last one.
        for session in user.sessions:
            written = self._runtime.find_written(session)
            if not self._unshown.has(session, channel, None if written.is_all else written.seq):
                read.append(seq if written.is_all else min(seq, written.seq))
        return max(read, default=None)  # what one device has read is read

    def begin_replay(self, session: Session, channel: Channel | None) -> None:
        """Have it stored that a session is to be shown what its account missed: in a channel, or directly (None)."""
        user = session.user
        if self.stores_replays and user is not None and user.account is not None:
            account_id, folded = user.account.id, channel.folded if channel is not None else ""
            self._work.write(lambda stores: stores.presence.begin_replay(account_id, folded))

    def end_replay(self, session: Session, channel: Channel | None) -> None:
        """Note that this tick has sent a session what its account missed there."""
        if not session.closing and session.user is not None and session.user.account is not None:
            self._unshown.sent[session, channel] = self._outbox.seq

    def confirm_replays(self) -> None:
        """Have it stored which of the replays that were sent are written to the sockets. Call it now and then."""
        sent = self._unshown.sent
        for (session, channel), seq in list(sent.items()):
            if self._runtime.find_written(session).seq < seq:
                continue
            del sent[session, channel]
            user = session.user
            if user is not None and (channel is None or channel in user.channels):
                self._store_replay(user, channel)

    def _store_replay(self, user: User, channel: Channel | None) -> None:
        if self.stores_replays and user.account is not None:
            account_id, folded = user.account.id, channel.folded if channel is not None else ""
            self._work.write(lambda stores: stores.presence.end_replay(account_id, folded))

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


class NodeWhereabouts(Whereabouts):
    """Those of a node of a cluster: if it dies, the others read in Redis what it has not shown."""

    __slots__ = ()

    stores_replays = False
