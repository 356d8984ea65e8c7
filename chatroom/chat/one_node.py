"""What a world answers that may be one of several nodes: a lone daemon's answers.

``chat.cluster.ClusterWorld`` has others. A lone daemon pays for none of it on a message's way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.delivery.telling import Telling
from chatroom.chat.people.server import Server

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from chatroom.chat.delivery.unshown import Unshown
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.online_directory import OnlineDirectory
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.config import Settings


class OneNode(Telling):
    """The part of the world that knows of nodes. Guarded by the hub lock."""

    settings: Settings
    runtime: Runtime
    sessions: dict[int, Session]
    users: dict[str, User]
    online: OnlineDirectory
    unshown: Unshown

    home = ""
    """The name of this node, and the number of its start; empty for a lone daemon."""

    def own_sessions(self) -> Collection[Session]:
        """The sessions whose connections this daemon has. A world of several daemons has those of the others too."""
        return self.sessions.values()

    def has_ended(self, session: Session) -> bool:
        """True if ``World.close`` was called for a session. In a world of several nodes its end may wait for a turn."""
        return session.closing

    @property
    def is_leaving(self) -> bool:
        """True if this daemon stops. A chat of several nodes goes on without it, so ``runtime.is_ending`` is False."""
        return self.runtime.is_ending

    def note_change(self, thing: User | Channel, name: str, key: User | str | None = None) -> None:
        """Call it when something inside the attribute ``name`` has changed; only under ``key``, if there is one.

        The world of several nodes tells the others; this one does nothing.
        """

    def readers(self, channel: Channel) -> Iterable[Session]:
        """The sessions that read a channel, for a line that not all of them read."""
        return channel.sessions

    def note_values(self, user: User, values: Mapping[str, str | None], *, is_new: bool) -> None:
        """Call it when clients that monitor a user were told metadata. ``is_new``: because the user came just now.

        The world of several nodes has the others tell their clients; this one does nothing.
        """

    def note_decision(self, request_id: int, account: AccountEntry | None, text: str) -> None:
        """Call it when a request for an account was decided: ``account`` was made, or None and ``text`` says why not.

        The world of several nodes has the others tell an applicant who is not registered; this one does nothing.
        """

    def leaves_replay(self, session: Session, channel: Channel) -> bool:
        """True if another node shows a session what it has missed in a channel. It is told to do that."""
        return False

    def note_direct_replay(self, session: Session, *, is_over: bool) -> None:
        """Call it when a session is about to be shown the direct messages that it missed, and when it has been."""
        self.unshown.note_direct(session, is_over=is_over)

    @property
    def history_end(self) -> int | None:
        """The highest message id that a client may read in the history now. None: whatever is stored.

        What another daemon has stored, and this one not told yet, the client reads live a moment later.
        """
        return None

    def homes(self) -> Collection[str]:
        """The homes of the other nodes that have people."""
        return ()

    def has_duty(self) -> bool:
        """True if this daemon does what only one of several nodes does."""
        return True

    def list_servers(self) -> list[Server]:
        """The servers of the network, this one first."""
        own = self.settings.server
        return [Server(own.name, own.description)]

    def server_name_of(self, user: User) -> str:
        """The name of the server that a user is connected to: with its first session, if it has several."""
        return self.settings.server.name

    def node_of(self, session: Session) -> str:
        """The node of a cluster that a session is connected to; empty without a cluster."""
        return ""

    def count_here(self) -> tuple[int, int, int]:
        """How many users this server has, the highest number at a time since the start, and how many servers are."""
        return len(self.users), self.online.most_users, 1
