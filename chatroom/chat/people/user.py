"""A person present: a nick, perhaps an account, the channels they are in and the sessions they are here by."""

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


MOST_GUEST_MESSAGES = 50
"""How many of a guest's messages are known to be theirs."""
_NOWHERE: frozenset[Channel] = frozenset()
_NOTHING: Mapping[str, str] = {}


class User:
    """A person present. Guarded by the hub lock."""

    __slots__ = (
        # Many, because the protocol gives a user a nick, a host, modes, an away message, and times that WHOIS shows.
        "_account_data",
        "account",
        "away",
        "bot",
        "channels",
        "folded",
        "guest_messages",
        "host",
        "invisible",
        "invited",
        "knocked_ms",
        "nick",
        "prefix",
        "realname",
        "registered_only",
        "sessions",
        "signon_ms",
        "spoke_ms",
        "stepped_down",
        "username",
        "wallops",
    )

    def __init__(self, nick: str, username: str, realname: str, host: str, session: Session, now_ms: int) -> None:
        folded = casefold(nick)
        self.nick = nick
        self.folded = nick if folded == nick else folded
        self.username = username
        self.realname = realname
        self.host = host
        self.prefix = f"{nick}!{username}@{host}"
        self.account: AccountEntry | None = None
        self.away: str | None = None
        self._account_data: AccountData | None = None
        self.guest_messages: deque[str] | None = None
        """The ids of the last messages that were kept of them while they had no account: how we know whose they are."""
        self.invisible = False
        self.wallops = False
        self.bot = False
        """Whether they say that they are a program (user mode B)."""
        self.registered_only = False
        """Whether only those who are logged in may write to them (user mode R)."""
        self.stepped_down = False
        """Whether they have put their operator's rights aside (user mode -o) until they say OPER, or log in, again."""
        self.knocked_ms = 0
        """When they last asked to be let into a channel."""
        self.invited: frozenset[Channel] = _NOWHERE
        """Channels they were invited to and have not joined since."""
        self.channels: dict[Channel, None] = {}
        self.sessions: list[Session] = [session]
        self.signon_ms = now_ms
        self.spoke_ms = now_ms
        """When they last said something, for the idle time WHOIS shows."""

    def add_guest_message(self, msgid: str) -> None:
        """Know a message for their own that no account says is."""
        if self.guest_messages is None:
            self.guest_messages = deque(maxlen=MOST_GUEST_MESSAGES)
        self.guest_messages.append(msgid)

    def event(self, body: str, *, needs: int = 0) -> Event:
        """Make an event that the user is the source of. It has no sequence number yet (``Outbox.number``)."""
        event = Event(self.prefix, body, account=self.account_name, needs=needs)
        event.bot = self.bot
        return event

    @property
    def account_data(self) -> AccountData:
        """Their own while they are a guest, else their account's. Most guests have nothing: made when asked for."""
        if self._account_data is None:
            self._account_data = AccountData()
        return self._account_data

    @account_data.setter
    def account_data(self, account_data: AccountData) -> None:
        self._account_data = account_data

    @property
    def metadata(self) -> Mapping[str, str]:
        """Their metadata, to be read."""
        return _NOTHING if self._account_data is None else self._account_data.metadata

    @property
    def role(self) -> Role | None:
        """Their account's role; None for a guest."""
        return self.account.role if self.account is not None else None

    @property
    def is_operator(self) -> bool:
        """Whether they are here as an admin or a moderator, which is what +o shows."""
        return self.account is not None and self.account.role >= Role.MODERATOR and not self.stepped_down

    @property
    def account_name(self) -> str | None:
        """Their account's name; None for a guest."""
        return self.account.name if self.account is not None else None

    @property
    def modes(self) -> str:
        """Their user modes, as ``+iow``."""
        letters = "+"
        if self.bot:
            letters += "B"
        if self.registered_only:
            letters += "R"
        if self.invisible:
            letters += "i"
        if self.is_operator:
            letters += "o"
        return letters + "w" if self.wallops else letters

    def rename(self, nick: str) -> None:
        """Take another nick. ``World.rename`` is the one that tells the others."""
        self.nick = nick
        self.folded = casefold(nick)
        self.prefix = f"{nick}!{self.username}@{self.host}"
