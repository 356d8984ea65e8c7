"""A user: a nick, perhaps an account, its channels and its sessions."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chatroom.chat.events import Event
from chatroom.chat.stored.records import AccountData, Role
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.records import AccountEntry


MOST_FORMER_ADDRESSES = 10
"""How many addresses of its ended sessions a user remembers."""
MOST_GUEST_MESSAGES = 50
"""How many of its last messages a guest can redact."""
ABSENT = "*"
"""The away text of a client that connects without a person at it (IRCv3 draft/pre-away)."""
NO_DEVICE = "Not connected"
"""The away text of a user that is always on, while it has no session."""
# Shared by all users that have nothing of the kind, so that an idle user holds no empty containers of its own.
_NOWHERE: frozenset[Channel] = frozenset()
_NOTHING: Mapping[str, str] = {}


class User:
    """A person who is connected, by one session or several. Guarded by the hub lock."""

    __slots__ = (
        # Many, because the protocol gives a user a nick, a host, modes, an away message, and times that WHOIS shows.
        "_account_data",
        "account",
        "away",
        "bot",
        "channels",
        "folded",
        "former_addresses",
        "guest_messages",
        "host",
        "invisible",
        "invited",
        "knocked_mono_ms",
        "nick",
        "no_ctcp",
        "prefix",
        "realname",
        "registered_only",
        "sessions",
        "signon_ms",
        "spoke_mono_ms",
        "username",
        "wallops",
    )

    def __init__(
        self,
        nick: str,
        username: str,
        realname: str,
        host: str,
        session: Session | None,
        wall_ms: int,
        mono_ms: int,
    ) -> None:
        folded = casefold(nick)
        self.nick = nick
        self.folded = nick if folded == nick else folded  # one string instead of two for most nicks
        self.username = username
        self.realname = realname
        self.host = host
        self.prefix = f"{nick}!{username}@{host}"
        """``nick!user@host``, made once because every line of the user begins with it."""
        self.account: AccountEntry | None = None
        """The account the user is logged in to; None for a guest."""
        self.away: str | None = None
        """The away message; None if the user is not away."""
        self._account_data: AccountData | None = None
        self.guest_messages: deque[int] | None = None
        """The message ids of the user's last stored messages as a guest, because their entries name no account.

        None if there are none.
        """
        self.invisible = False
        self.wallops = False
        self.bot = False
        """True if the user says that it is a bot (user mode B)."""
        self.registered_only = False
        """True if only users with an account, and those on the accept list, can write to the user (user mode R)."""
        self.no_ctcp = False
        """True if the user gets no CTCP but ACTION (user mode T)."""
        self.knocked_mono_ms: int | None = None
        """When the user's last KNOCK was, on the monotonic clock; None if there was none."""
        self.invited: frozenset[Channel] = _NOWHERE
        """The channels that the user was invited to and has not joined since."""
        self.channels: dict[Channel, None] = {}
        """The user's channels, in the order of joining."""
        self.sessions: list[Session] = [session] if session is not None else []
        """The user's sessions. Empty only for a user that is always on, which is away then."""
        self.former_addresses: tuple[str, ...] = ()
        """The addresses of the sessions that have ended before the user's others, the latest last, for WHOWAS."""
        self.signon_ms = wall_ms
        """When the user came, in Unix milliseconds."""
        self.spoke_mono_ms = mono_ms
        """When the user's last PRIVMSG was, on the monotonic clock, for the idle time in WHOIS."""

    def add_guest_message(self, message_id: int) -> None:
        """Note the message id of a message that the user has sent as a guest."""
        if self.guest_messages is None:
            self.guest_messages = deque(maxlen=MOST_GUEST_MESSAGES)
        self.guest_messages.append(message_id)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The real addresses of the user's sessions, each once."""
        if len(self.sessions) == 1:
            return (self.sessions[0].address_text,)
        return tuple(dict.fromkeys(session.address_text for session in self.sessions))

    def discard_session(self, session: Session) -> None:
        """Remove a session that has ended, while the user stays."""
        self.sessions.remove(session)
        others = [address for address in self.former_addresses if address != session.address_text]
        self.former_addresses = (*others, session.address_text)[-MOST_FORMER_ADDRESSES:]

    def event(self, body: str, *, needs: int = 0) -> Event:
        """Make an event that the user is the source of. It has no sequence number yet (``Outbox.number``)."""
        event = Event(self.prefix, body, account=self.account_name, needs=needs)
        event.bot = self.bot
        return event

    @property
    def account_data(self) -> AccountData:
        """The data of the user's account, or of the user alone if it is a guest."""
        # Made when it is asked for: most guests never have any.
        if self._account_data is None:
            self._account_data = AccountData()
        return self._account_data

    @account_data.setter
    def account_data(self, account_data: AccountData) -> None:
        self._account_data = account_data

    @property
    def has_account_data(self) -> bool:
        """True if ``account_data`` was made."""
        return self._account_data is not None

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's metadata, for reading only."""
        return _NOTHING if self._account_data is None else self._account_data.metadata

    # Rights are those of a session (``Session.role``): a verb that gives or refuses something asks its session.

    @property
    def rank(self) -> Role:
        """The highest rank of the user and its sessions. Only a higher role may act on the user."""
        own = self.account.role if self.account is not None else Role.USER
        return max(own, *[session.rank for session in self.sessions]) if self.sessions else own

    @property
    def role(self) -> Role:
        """The role that other users see: the highest that a session of the user has not put aside."""
        return max([session.role for session in self.sessions], default=Role.USER)

    @property
    def is_operator(self) -> bool:
        """True for an oper (user mode +o): a session of the user has the rights of a moderator or an admin."""
        return self.role >= Role.MODERATOR

    @property
    def is_secure(self) -> bool:
        """True if every connection of the user is encrypted: each of them reads what the user reads."""
        return bool(self.sessions) and all(session.secure for session in self.sessions)

    @property
    def reads_in_clear(self) -> bool:
        """True if a connection of the user is not encrypted. A user without connections reads nothing."""
        return not all(session.secure for session in self.sessions)

    @property
    def account_name(self) -> str | None:
        """The name of the user's account; None for a guest."""
        return self.account.name if self.account is not None else None

    @property
    def modes(self) -> str:
        """The user modes as other users see them, as ``+iow``."""
        return self._modes(self.is_operator)

    def modes_of(self, session: Session) -> str:
        """The user modes as one of the user's sessions sees them: ``o`` stands for its own rights."""
        return self._modes(session.is_operator)

    def _modes(self, is_operator: bool) -> str:
        letters = "+"
        if self.bot:
            letters += "B"
        if self.registered_only:
            letters += "R"
        if self.no_ctcp:
            letters += "T"
        if self.invisible:
            letters += "i"
        if is_operator:
            letters += "o"
        return letters + "w" if self.wallops else letters

    def take_modes(self, modes: str) -> None:
        """Take stored modes. ``OnlineDirectory.set_invisible`` makes the user invisible."""
        self.bot, self.registered_only, self.no_ctcp = "B" in modes, "R" in modes, "T" in modes
        self.wallops = "w" in modes

    def rename(self, nick: str) -> None:
        """Take another nick. Call ``World.rename``, which also tells it to others."""
        self.nick = nick
        self.folded = casefold(nick)
        self.prefix = f"{nick}!{self.username}@{self.host}"


def make_service(nick: str, server: str, wall_ms: int, mono_ms: int) -> User:
    """Make the user that a service of the server is shown as."""
    service = User(nick, "services", f"A service of the server: /msg {nick} HELP", server, None, wall_ms, mono_ms)
    service.bot = True
    return service
