"""The world: all sessions, users and channels, and the ways to change them that others read of.

Everything here runs under the hub lock. No rule reads or writes a store: workers do (``World.work``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.action_budgets import ActionBudgets
from chatroom.chat.admission.ban_table import BanTable
from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.admission.flood import LoginThrottle
from chatroom.chat.admission.lockdown import CurrentLockdown
from chatroom.chat.admission.reserved_names import NICKSERV, is_nickserv
from chatroom.chat.delivery.answer_costs import AnswerCosts
from chatroom.chat.delivery.ledger import Ledger
from chatroom.chat.delivery.monitors import MonitorLists
from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.delivery.replies import tell_last
from chatroom.chat.delivery.unshown import Unshown
from chatroom.chat.failed_logins import KeptFailures
from chatroom.chat.log_line import LogLine, Place
from chatroom.chat.one_node import OneNode
from chatroom.chat.people.accept_lists import AcceptLists
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.founded_channels import FoundedChannels
from chatroom.chat.people.online_directory import OnlineDirectory
from chatroom.chat.people.session import Session
from chatroom.chat.people.spam_guard import SpamGuard
from chatroom.chat.people.user import ABSENT, NO_DEVICE, User, make_service
from chatroom.chat.people.whowas import WhowasList
from chatroom.chat.retries import Retries
from chatroom.chat.stored.entries import Kind
from chatroom.chat.whereabouts import Whereabouts
from chatroom.chat.work_queue import WorkQueue
from chatroom.config import Settings
from chatroom.irc import caps
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.delivery.welcome_text import WelcomeText
    from chatroom.chat.events import Event
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.stored.records import AccountEntry


class World(OneNode):
    """The state of the chat.

    It has many attributes because it is the root of that state: each directory, table and queue with rules of its own
    is a class of its own. A level between would be one more step for every message.
    """

    change_patience_ms = 0
    """How long bans and accounts that another daemon has changed in the database wait to be read. With several nodes,
    the turn of the one that has changed them tells it."""

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        cloak: Cloak,
        start_wall_ms: int,
        start_mono_ms: int,
        accounts: AccountDirectory | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._choose_kinds()
        self.settings = settings
        """The settings in force. A reload replaces them."""
        self.runtime = runtime
        self.cloak = cloak
        self.start_wall_ms = self.wall_ms = start_wall_ms
        """The wall clock at the start and in this tick, in Unix milliseconds. It can be set, ahead and back: what has
        a date is judged by it, such as the end of a ban, and no duration is."""
        self.start_mono_ms = self.mono_ms = start_mono_ms
        """The monotonic clock at the start and in this tick, in milliseconds. Every duration is measured by it."""
        self.sessions: dict[int, Session] = {}
        """All sessions, by their ids; the control sockets' are not among them."""
        self.users: dict[str, User] = {}
        """All users, by casefolded nick."""
        self.nickserv = make_service(NICKSERV, settings.server.name, start_wall_ms, start_mono_ms)
        """The service that clients write to as if it were a user. It is not one of ``users``."""
        self.channels: dict[str, Channel] = {}
        """All channels, by casefolded name."""
        self.founded = FoundedChannels()
        self.channels_made = 0
        """The number of the channel that was made last."""
        self.channel_renames = 0
        """How many channels were renamed. By it a verb sees that names may have changed while it waited."""
        self.accounts = AccountDirectory() if accounts is None else accounts
        self.online = OnlineDirectory()
        self.whowas = WhowasList()
        self.monitors = MonitorLists()
        self.accepts = AcceptLists()
        self.bans = BanTable()
        self.spam = SpamGuard()
        self.lockdown = CurrentLockdown()
        self.next_ban_end_ms = start_wall_ms
        """When ``ban_ends`` next looks for channel bans that have ended; 0 if none will. The first tick looks."""
        self.throttle = LoginThrottle()
        self.costs = AnswerCosts()
        self.actions = ActionBudgets()
        self.ledger = Ledger() if ledger is None else ledger
        """The history of the tick under way. Without a journal nothing is written."""
        self.outbox = Outbox(start_wall_ms, self.ledger.last_message_id)
        self.log_lines: list[str] = []
        """The log lines of the tick under way. Its thread shows them when it has released the lock."""
        self.work = WorkQueue()
        self.retries = Retries(self.work)
        self.kept_failures = KeptFailures(self.throttle, self.work)
        self.unshown = Unshown(self.outbox.replays)
        self.whereabouts = Whereabouts(self.work, self.outbox, self.ledger, self.online, runtime, self.unshown)
        self.welcome: WelcomeText | None = None
        """The welcome as it was last rendered; None before the first one."""
        self.configure_channels()

    def _choose_kinds(self) -> None:
        """Set the kinds of what it makes. A world of several nodes has others, which note their changes."""
        self.user_kind: type[User] = User
        self.channel_kind: type[Channel] = Channel
        self.session_kind: type[Session] = Session

    # -- time and the tick ------------------------------------------------------------------------

    def begin_tick(self, wall_ms: int, mono_ms: int) -> None:
        """Set the two clocks of a new tick."""
        self.wall_ms, self.mono_ms = wall_ms, mono_ms
        self.outbox.begin_tick(wall_ms)

    def log_line(self, text: str, kind: type[LogLine] = LogLine, at: Place | None = None) -> None:
        """Log a line for the operator. A module that may be compiled says ``at`` which of its places (``LogLine``)."""
        if at is None:
            line = kind.of_caller(text)
        else:
            line = kind(text)
            line.place = at
        self.log_lines.append(line)

    def configure_channels(self) -> None:
        """Make the channels that the settings name. Those that they no longer name stay, as stored channels."""
        configured = {casefold(name) for name in self.settings.channels.autojoin}
        for channel in self.channels.values():
            channel.configured = channel.folded in configured
        for name in self.settings.channels.autojoin:
            channel = self.channels.get(casefold(name)) or self.make_channel(name)
            channel.configured = channel.stored = True

    # -- people -----------------------------------------------------------------------------------

    def find_user(self, nick: str) -> User | None:
        """Find the user with that nick."""
        return self.users.get(casefold(nick))

    def find_shown(self, nick: str) -> User | None:
        """Find the user with that nick, or the service, for a client that asks who is connected."""
        return self.nickserv if is_nickserv(nick) else self.users.get(casefold(nick))

    def add_user(self, user: User) -> None:
        """Add a user that has completed registration, and tell clients that monitor the nick."""
        self.users[user.folded] = user
        for session in user.sessions:
            session.user = user
        self.online.add(user, len(self.users))
        self.monitors.tell_online(self.outbox, self.settings.server.name, user)

    def remove_user(self, user: User, quit_text: str, *, returns: bool = False) -> None:
        """Remove a user that is gone. Neighbours read QUIT, and clients that monitor the nick that it is offline.

        ``returns`` is True if the account comes back to its channels at its next login. When the daemon stops, the QUIT
        is stored and told to nobody.
        """
        if self.users.get(user.folded) is not user:
            return
        is_told = not self.runtime.is_ending
        del self.users[user.folded]
        self.whowas.add(user, self.wall_ms, self.server_name_of(user))
        if is_told:
            self.monitors.tell_offline(self.outbox, self.settings.server.name, user.nick)
        self.online.discard(user)
        self.accepts.forget_user(user)
        event = user.event(f"QUIT :{quit_text}")
        # Before the channels are left: the sessions still read what was said until now, but not the QUIT.
        for session in user.sessions:
            self.outbox.settle(session)
        channels = list(user.channels)
        self.outbox.number(event, channels)
        if user.account is not None:
            for place in (None, *channels):
                self.whereabouts.depart(user, place, returns=returns and place is not None)
        for channel in channels:
            self._leave(channel, user)
        message_id = 0
        for channel in channels:
            if channel.members or channel.stored:
                # It is said once, but has an entry in each channel: the msgid is that of the first entry.
                message_id = self.outbox.take_number() if message_id else event.seq
                self.ledger.add_event(event, Kind.QUIT, channel, quit_text, user, message_id)
            if channel.members and is_told:
                self.outbox.to_channel(channel, event, None, channels)
        for session in user.sessions:
            session.user = None
        user.sessions = []

    def rename(self, user: User, nick: str, skip: Session | None = None) -> Event:
        """Give a user another nick and tell the user's neighbours. Return the event, which ``skip`` has not read."""
        event = user.event(f"NICK {nick}")
        old, server = user.nick, self.settings.server.name
        is_another = casefold(old) != casefold(nick)  # a change of case is the same nick to clients that monitor it
        if is_another:
            self.whowas.add(user, self.wall_ms, self.server_name_of(user))
            self.accepts.forget_nick(user)
        del self.users[user.folded]
        user.rename(nick)
        self.users[user.folded] = user
        self.tell_neighbours(user, event, skip)
        if is_another:
            self.monitors.tell_offline(self.outbox, server, old)
            self.monitors.tell_online(self.outbox, server, user)
        return event

    def set_account(self, user: User, account: AccountEntry | None) -> None:
        """Log a user in or out, and tell neighbours with account-notify if the account's name changes."""
        before, old = user.account_name, user.account
        is_another = (old.id if old is not None else None) != (account.id if account is not None else None)
        if is_another:
            self.whereabouts.depart_all(user)
        self.online.set_account(user, account)
        if is_another:
            self.whereabouts.arrive_all(user, self.wall_ms)
        if user.account_name != before:  # a new role or a new entry of the same account is no login
            name = user.account_name or "*"
            self.tell_neighbours(user, user.event(f"ACCOUNT {name}", needs=caps.ACCOUNT_NOTIFY))

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
        """End a session for the reason ``text``. The user goes with the last session.

        ``quit_text`` is the reason for other users, if it is another one. ``tell`` is False if it gets no ERROR, and
        ``lost`` True if nothing can be sent to it. ``returns`` is False if the user or an operator ends it: then the
        account does not come back to its channels by itself.
        """
        if session.closing:
            return
        user = session.user
        if user is not None:
            if lost:
                self.outbox.forget(session)
            if len(user.sessions) > 1 or (user.account is not None and returns and self.stays(user)):
                self._detach(user, session)
            else:
                self.remove_user(user, text if quit_text is None else quit_text, returns=returns)
        if tell:
            last = f"ERROR :Closing Link: {session.address_text} ({text})"
            tell_last(self.outbox, session, last, self.settings.server.name)
        session.closing = True  # behind the ERROR: a closing session is told nothing more
        if session.registration is not None:
            self.online.forget_unused_data(session.registration.account)
            session.registration = None
            self.online.unregistered.pop(session, None)
        self.sessions.pop(session.id, None)
        self.monitors.clear(session)
        if self.unshown.sent:
            self.unshown.forget(session)
        self.outbox.closed.append(session)  # its thread closes the connection behind the last writes

    def stays(self, user: User) -> bool:
        """True if a user stays when its last session ends: it is the only one of an account that is always on."""
        return self.settings.accounts.always_on_max > 0 and self.online.is_always_on(user)

    def _detach(self, user: User, session: Session) -> None:
        """Take a session from its user, which stays. The session still reads what was said until now."""
        self.outbox.settle(session)
        if len(user.sessions) == 1:
            self.whereabouts.depart_all(user, returns=True)
        user.discard_session(session)
        self.online.discard_session(user, session)
        for channel in user.channels:
            channel.sessions.discard(session)
            self.outbox.drop_replay(channel, session)
        session.user = None
        if not user.sessions and user.away in (None, ABSENT):
            self.set_away(user, NO_DEVICE)

    def set_away(self, user: User, text: str | None, skip: Session | None = None) -> None:
        """Set a user's away text, or mark it as back (None). Sessions with away-notify that see the user read it."""
        if text != user.away:
            user.away = text
            if not self.runtime.is_ending:
                event = user.event("AWAY" if text is None else f"AWAY :{text}", needs=caps.AWAY_NOTIFY)
                self.tell_neighbours(user, event, skip)

    def close_user(self, user: User, text: str, quit_text: str) -> None:
        """End all sessions of a user, for an operator, and the user too."""
        for session in list(user.sessions):
            self.close(session, text, quit_text, returns=False)
        self.remove_user(user, quit_text)

    # -- channels ---------------------------------------------------------------------------------

    def find_channel(self, name: str) -> Channel | None:
        """Find the channel with that name."""
        return self.channels.get(casefold(name))

    def create_channel(self, name: str) -> Channel:
        """Make a channel for its first member. What the history has under its name was said in another channel."""
        channel = self.make_channel(name)
        channel.began_after = self.outbox.seq
        self.ledger.end_earlier(channel.name)
        if len(self.accounts):  # without accounts there is none that came back, and no worker need be woken
            self.whereabouts.forget_channel(channel)
        return channel

    def make_channel(self, name: str) -> Channel:
        """Make an empty channel. What the history has under its name is its own."""
        self.channels_made += 1
        channel = self.channel_kind(name, self.wall_ms, self.channels_made)
        self.channels[channel.folded] = channel
        return channel

    def rename_channel(self, channel: Channel, name: str) -> None:
        """Give a channel another name, without telling anyone. What names it follows: forwards and read markers.

        The caller has the same stored (``ChannelStore.rename``).
        """
        old = channel.folded
        self.channel_renames += 1
        del self.channels[old]
        self.ledger.rename_channel(channel.name, name)
        channel.rename(name)
        self.channels[channel.folded] = channel
        for other in self.channels.values():
            if other.forward is not None and casefold(other.forward) == old:
                other.forward = name
        self.online.rename_target(self.users.values(), old, channel.folded)

    def join(self, channel: Channel, user: User, standing: int) -> None:
        """Add a user to a channel, without telling anyone."""
        # First, so that the sessions do not read what the channel has said earlier in this tick.
        for session in user.sessions:
            self.outbox.settle(session)
        channel.add_member(user, standing, self.outbox.seq)

    def leave(self, channel: Channel, user: User) -> None:
        """Remove a user from a channel, without telling anyone. The user still reads what was said until now."""
        for session in user.sessions:
            if self.outbox.replays.find(channel, session) is not None:
                self.outbox.end_replay(channel, session)
            self.outbox.settle(session)
        self._leave(channel, user)

    def _leave(self, channel: Channel, user: User) -> None:
        channel.discard_member(user)
        if self.outbox.replays.by_channel:
            for session in user.sessions:
                self.outbox.drop_replay(channel, session)
        if not channel.members and not channel.stored:
            self.drop_channel(channel)

    def drop_channel(self, channel: Channel) -> None:
        """Take a channel without members out of the world. It ends its conversation."""
        self.channels.pop(channel.folded, None)
        self.ledger.end_channel(channel)

    def set_variant(self, session: Session, capabilities: int) -> None:
        """Change a session's capabilities. It still reads in its old variant what was said earlier in this tick."""
        self.outbox.settle(session)
        session.set_capabilities(capabilities)
