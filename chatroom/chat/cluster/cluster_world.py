"""The world of a node among others: the rules run on it as on any, and what they change and say is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from chatroom.chat.cluster.attributes import (
    MARKER,
    account_to_state,
    channel_attribute,
    session_attribute,
    user_attribute,
)
from chatroom.chat.cluster.cluster_bans import ClusterBans
from chatroom.chat.cluster.cluster_outbox import ClusterMonitors, ClusterOutbox
from chatroom.chat.cluster.directories import (
    ClusterAccepts,
    ClusterAccounts,
    ClusterActions,
    ClusterLockdown,
    ClusterMutes,
    ClusterOnline,
    ClusterThrottle,
    ClusterWhowas,
)
from chatroom.chat.cluster.documents import session_to_document, user_to_document
from chatroom.chat.cluster.leaving_runtime import LeavingRuntime
from chatroom.chat.cluster.recorder import Recorder
from chatroom.chat.cluster.session_table import Gap, SessionTable
from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.cluster.tracked import tracked_kinds
from chatroom.chat.cluster.turn_times import TurnTimes
from chatroom.chat.delivery.unshown import Unshown
from chatroom.chat.failed_logins import KeptFailures
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.server import Server
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.whereabouts import NodeWhereabouts
from chatroom.chat.world import World

if TYPE_CHECKING:
    from chatroom.chat.admission.account_directory import AccountDirectory
    from chatroom.chat.admission.cloak import Cloak
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.delivery.ledger import Ledger
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.config import Settings

Numbered = tuple[int, "Record"]
"""A record, behind the number of the message that it carries; 0 if it carries none."""


class ClusterWorld(World):
    """A world that is the same on several nodes. Guarded by the hub lock.

    Only the node that has the turn changes it. A node's own sessions that are not registered are its own affair.
    """

    outbox: ClusterOutbox
    monitors: ClusterMonitors
    accounts: ClusterAccounts
    online: ClusterOnline
    throttle: ClusterThrottle
    actions: ClusterActions
    lockdown: ClusterLockdown
    change_patience_ms = 5000

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        cloak: Cloak,
        start_wall_ms: int,
        start_mono_ms: int,
        accounts: AccountDirectory | None = None,
        ledger: Ledger | None = None,
        *,
        node: str,
    ) -> None:
        self.home = self.node = node
        """The name of this node. ``home`` also has the epoch of this start (``a/17``), once it has joined others."""
        self.has_turn = False
        self.recorder = Recorder()
        self.deferred_ends: dict[Session, dict[str, Any]] = {}
        """The sessions that have ended outside a turn, with what ``close`` was told. They end in the next turn."""
        self.turn_times = TurnTimes()
        self.last_seq = 0
        """The last number of the last turn that this node knows. Each message of later turns has a higher one."""
        self.overtaken_after: int | None = None
        """The last message id before a turn of this node that answers overtake; else None. The hub sets it."""
        self.duty: Callable[[], bool] = bool
        """Says if this node does what only one does. The hub sets it."""
        self.servers: dict[str, Server] = {}
        """The servers of the nodes that are registered, by home. The hub keeps it, and turns tell of new ones."""
        self._told_about: tuple[str, ...] = ()
        """The home of this node, and what it has told the others of its server."""
        self._most_here = 0
        """The highest number of clients of this node at a time."""
        self.clock_shifts: dict[str, int] = {}
        """How far this node's monotonic clock is ahead of those of the other homes, in milliseconds."""
        self.replayer: Callable[[ClusterWorld, Session, Channel, int], None] | None = None
        """Shows a session of this node what it has missed in a channel, up to a message id. The hub sets it."""
        self.gap_replayer: Callable[[ClusterWorld, Session, int, int], None] | None = None
        """Shows a session of this node what it has missed between two message ids. The hub sets it."""
        self.answer_applicants: Callable[[ClusterWorld, int, AccountEntry | None, str], None] | None = None
        """Tells a session of this node that is not registered what was decided on its request. The hub sets it."""
        self.leaving = LeavingRuntime(runtime)
        super().__init__(settings, cast("Runtime", self.leaving), cloak, start_wall_ms, start_mono_ms, accounts, ledger)
        # Parts that note their changes, instead of those of a lone daemon's world.
        recorder = self.recorder
        self.bans = ClusterBans(recorder, lambda: self.has_turn)
        self.accounts = ClusterAccounts(recorder, self.accounts.entries())
        self.online = ClusterOnline(recorder, self._note_device)
        self.whowas = ClusterWhowas(recorder)
        self.monitors = ClusterMonitors(recorder)
        self.accepts = ClusterAccepts(recorder)
        self.sessions: SessionTable = SessionTable()
        self.mutes = self.spam.mutes = ClusterMutes(recorder)
        self.throttle = ClusterThrottle(recorder)
        self.actions = ClusterActions(recorder)
        self.lockdown = ClusterLockdown(recorder)
        self.outbox = ClusterOutbox(self.start_wall_ms, self.ledger.last_message_id, recorder, self.leaving)
        self.unshown = Unshown(self.outbox.replays)
        self.kept_failures = KeptFailures(self.throttle, self.work)
        self.whereabouts = NodeWhereabouts(self.work, self.outbox, self.ledger, self.online, self.runtime, self.unshown)

    def _choose_kinds(self) -> None:
        self.user_kind, self.channel_kind, self.session_kind, self.shadow_kind = tracked_kinds(self.recorder)

    # -- the turn ---------------------------------------------------------------------------------

    def begin_turn(self, last_seq: int) -> None:
        """Begin a turn, in a tick. ``last_seq`` is the last number of the turn before, of whatever node."""
        self.has_turn = True
        self.last_seq = max(self.last_seq, last_seq)
        self.outbox.seq = max(self.outbox.seq, self.last_seq)
        self.outbox.has_numbered = False
        self.turn_times.lead(self.outbox, self.wall_ms)

    def begin_tick(self, wall_ms: int, mono_ms: int) -> None:
        """As ``World``."""
        super().begin_tick(wall_ms, mono_ms)
        if self.has_turn:  # a turn whose last tick has failed goes on in this one
            self.turn_times.lead(self.outbox, wall_ms)

    def end_turn(self) -> list[Numbered]:
        """End the turn. Return its records, each with the number of the message that it carries (0 for none).

        The records of messages that are refused are to be left out. It is empty if nothing has happened.
        """
        self.has_turn = False
        self._write_touched()
        records = self.recorder.records
        self.recorder.clear()
        if not records and not self.outbox.has_numbered:
            # Then the numbers are those of lines without a msgid for this node's own clients, such as those of a
            # registration under way. The others may give them once more, so ``last_seq`` is not behind them.
            return []
        # Each turn ends with a higher number, so that the number tells how far a world is.
        self.outbox.seq = self.last_seq = max(self.outbox.seq, self.last_seq + 1)
        online, times = self.online, self.turn_times.go_on(self.outbox)
        end = {
            "seq": self.outbox.seq,
            "latest": times.latest_ms,
            "most_users": online.most_users,
            "guests": online.last_guest_number,
        }
        tick: dict[str, Any] = {"wall": times.clock_ms, "mono": self.mono_ms}
        about = self.home, self.settings.server.name, self.settings.server.description
        if about != self._told_about:  # before its people are named, the others know their server
            self._told_about, tick["server"] = about, about[1:]
        return [(0, ["tick", tick]), *records, (0, ["end", end])]

    @property
    def wants_turn(self) -> bool:
        """True if something has happened that only a turn can tell, or do."""
        return bool(self.deferred_ends) or not self.recorder.is_empty

    def _write_touched(self) -> None:
        """Make records of the attributes that have changed."""
        recorder = self.recorder
        touched, recorder.touched = recorder.touched, {}
        of_sessions = []
        for thing, names in touched.items():
            if isinstance(thing, User):
                if self.users.get(thing.folded) is thing:
                    values = {name: user_attribute(self, thing, name) for name in names}
                    recorder.add(["user", thing.folded, values])
            elif isinstance(thing, Channel):
                if self.channels.get(thing.folded) is thing:
                    values = {name: channel_attribute(thing, name) for name in names}
                    recorder.add(["channel", thing.folded, values])
            elif thing.user is not None and not thing.closing:
                of_sessions.append(["session", thing.id, {name: session_attribute(thing, name) for name in names}])
        for record in of_sessions:  # behind the accounts of users, which change the rights of their sessions
            recorder.add(record)

    def note_change(self, thing: User | Channel, name: str, key: User | str | None = None) -> None:
        """Note that something inside an attribute has changed."""
        if isinstance(thing, User):
            self.recorder.touch(thing, f"{MARKER}{key}" if name == "markers" else "account_data")
        elif isinstance(key, User):
            self.recorder.add(["slow", thing.folded, key.folded, self.mono_ms, key in thing.members])
        else:
            self.recorder.touch(thing, name)

    def readers(self, channel: Channel) -> Iterable[Session]:
        """The sessions that read a channel, and the shadows of its members."""
        shadows = [one for member in channel.members for one in member.sessions if isinstance(one, Shadow)]
        return [*channel.sessions, *shadows]

    def note_values(self, user: User, values: Mapping[str, str | None], *, is_new: bool) -> None:
        """Have the other nodes tell their clients that monitor the user."""
        self.recorder.add(["values", user.folded, dict(values), is_new])

    def note_decision(self, request_id: int, account: AccountEntry | None, text: str) -> None:
        """Have the other nodes tell the applicant, if it is a session of theirs that is not registered."""
        self.recorder.add(["decided", request_id, account_to_state(account), text])

    def leaves_replay(self, session: Session, channel: Channel) -> bool:
        """True for a shadow: its home shows it what it has missed."""
        if isinstance(session, Shadow):
            self.recorder.add(["replay", session.id, channel.folded, self.outbox.seq])
            return True
        return False

    @property
    def history_end(self) -> int:
        """As ``OneNode``. In a turn, also what has been said in it: the answer comes behind that."""
        if self.overtaken_after is not None:
            return self.overtaken_after
        return self.outbox.seq if self.has_turn else self.last_seq

    @property
    def is_leaving(self) -> bool:
        """As ``OneNode``."""
        return self.leaving.is_leaving

    # -- sessions and nodes -----------------------------------------------------------------------

    def own_sessions(self) -> Collection[Session]:
        """The sessions whose connections this node has."""
        return self.sessions.own.values()

    def find_account(self, session_id: int) -> int:
        """The id of the account of a session of this node; 0 if it has none. From any thread."""
        session = self.sessions.own.get(session_id)
        user = session.user if session is not None else None
        account = user.account if user is not None else None
        return 0 if account is None else account.id

    def home_of(self, session: Session) -> str:
        """The home of a session."""
        return session.home if isinstance(session, Shadow) else self.home

    def node_of(self, session: Session) -> str:
        """The name of the node that a session is connected to."""
        return self.home_of(session).partition("/")[0]

    def has_duty(self) -> bool:
        """As ``OneNode``."""
        return self.duty()

    def list_servers(self) -> list[Server]:
        """The servers of the nodes: this one first, then the others by name. Nodes of one name count as one server."""
        own = self.settings.server
        others = {server.name: server for home, server in self.servers.items() if home != self.home}
        others.pop(own.name, None)
        return [Server(own.name, own.description), *sorted(others.values())]

    def server_name_of(self, user: User) -> str:
        """The name of the server that a user is connected to, by its first session; this one's if it has none."""
        for session in user.sessions:
            if isinstance(session, Shadow):
                server = self.servers.get(session.home)
                return self.node_of(session) if server is None else server.name
            break
        return self.settings.server.name

    def count_here(self) -> tuple[int, int, int]:
        """How many clients this node has, the highest number at a time, and how many servers are.

        Each welcome asks, so the highest number is never too low.
        """
        clients = len(self.sessions.own) - len(self.online.unregistered)
        self._most_here = max(self._most_here, clients)
        return clients, self._most_here, len(self.list_servers())

    def homes(self) -> set[str]:
        """The homes of all shadows."""
        return set(self.sessions.by_home)

    def show_missed(self, session: Session, after: int) -> None:
        """Show a session what was said after a message id and before it came, as a further device of its user.

        The user's other device was on a node that was dying, and told nobody any more. In a turn, or at the session's
        home.
        """
        if isinstance(session, Shadow):
            self.sessions.gaps[session.id] = Gap(after, self.last_seq)
            self.recorder.add(["missed", session.id, after])
        elif self.gap_replayer is not None and after < (up_to := self.sessions.came_after.get(session.id, 0)):
            self.gap_replayer(self, session, after, up_to)

    def _note_device(self, session: Session) -> None:
        if not isinstance(session, Shadow):
            self.sessions.came_after[session.id] = self.outbox.seq

    def close(
        self,
        session: Session,
        text: str,
        quit_text: str | None = None,
        *,
        tell: bool = True,
        lost: bool = False,
        returns: bool = True,
    ) -> None:
        """As ``World``. Outside a turn, the end of a registered session waits for the next one."""
        how: dict[str, Any] = {"quit_text": quit_text, "tell": tell, "lost": lost, "returns": returns}
        is_known = session.user is not None
        if is_known and not self.has_turn and not session.closing:
            if session not in self.deferred_ends:
                self.deferred_ends[session] = {"text": text, **how}
                session.begin_wait()  # no further line of it runs, and it does not end twice
            return
        was_closing = session.closing
        super().close(session, text, **how)
        self.deferred_ends.pop(session, None)
        if is_known and not was_closing:
            self.recorder.add(["closed", session.id])
            if isinstance(session, Shadow):
                self.outbox.closed.remove(session)

    def has_ended(self, session: Session) -> bool:
        """As ``World``. True also if the end waits for a turn."""
        return session.closing or session in self.deferred_ends

    def end_deferred(self) -> None:
        """End the sessions that have ended outside a turn. In a turn, when their last lines have run."""
        ends, self.deferred_ends = self.deferred_ends, {}
        for session, how in ends.items():
            self.close(session, **how)

    # -- what changes the world -------------------------------------------------------------------

    def add_user(self, user: User) -> None:
        """As ``World``, and recorded."""
        sessions = [session_to_document(session) for session in user.sessions]
        self.recorder.add(["+user", user_to_document(self, user), sessions])
        super().add_user(user)
        self.recorder.forget(user)

    def remove_user(self, user: User, quit_text: str, *, returns: bool = False) -> None:
        """As ``World``, and recorded: before what is told of it."""
        if self.users.get(user.folded) is user:
            self.recorder.add(["-user", user.folded])
        super().remove_user(user, quit_text, returns=returns)

    def _detach(self, user: User, session: Session) -> None:
        self.recorder.add(["-session", session.id])
        super()._detach(user, session)

    def make_channel(self, name: str) -> Channel:
        """As ``World``, and recorded."""
        channel = super().make_channel(name)
        self.recorder.forget(channel)
        self.recorder.add(["+channel", channel.name, channel.created_ms])
        return channel

    def drop_channel(self, channel: Channel) -> None:
        """As ``World``, and recorded."""
        self.recorder.add(["-channel", channel.folded])
        super().drop_channel(channel)

    def rename_channel(self, channel: Channel, name: str) -> None:
        """As ``World``, and recorded."""
        self.recorder.add(["rename", channel.folded, name])
        super().rename_channel(channel, name)

    def _leave(self, channel: Channel, user: User) -> None:
        if self.users.get(user.folded) is user:
            self.recorder.add(["part", channel.folded, user.folded])
        super()._leave(channel, user)
