"""A person present: a nick, perhaps an account, the channels they are in and the sessions they are here by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.records import Role
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.channel import Channel
    from chatroom.chat.records import AccountEntry
    from chatroom.chat.session import Session


class User:
    """A person present. Guarded by the hub lock."""

    __slots__ = (
        "account",
        "away",
        "channels",
        "folded",
        "host",
        "invisible",
        "invited",
        "nick",
        "prefix",
        "realname",
        "sessions",
        "signon_ms",
        "spoke_ms",
        "username",
        "wallops",
    )

    def __init__(self, nick: str, username: str, realname: str, host: str, session: Session, now_ms: int) -> None:
        self.nick = nick
        self.folded = casefold(nick)
        self.username = username
        self.realname = realname
        self.host = host
        self.prefix = f"{nick}!{username}@{host}"
        self.account: AccountEntry | None = None
        self.away: str | None = None
        self.invisible = False
        self.wallops = False
        self.invited: set[Channel] = set()
        """Channels they were invited to and have not joined since."""
        self.channels: dict[Channel, None] = {}
        self.sessions: list[Session] = [session]
        self.signon_ms = now_ms
        self.spoke_ms = now_ms
        """When they last said something, for the idle time WHOIS shows."""

    @property
    def role(self) -> Role | None:
        """Their account's role; None for a guest."""
        return self.account.role if self.account is not None else None

    @property
    def is_operator(self) -> bool:
        """Whether they are logged in as an admin or a moderator, which is what +o shows."""
        return self.account is not None and self.account.role >= Role.MODERATOR

    @property
    def account_name(self) -> str | None:
        """Their account's name; None for a guest."""
        return self.account.name if self.account is not None else None

    @property
    def modes(self) -> str:
        """Their user modes, as ``+iow``."""
        return "+" + ("i" if self.invisible else "") + ("o" if self.is_operator else "") + ("w" if self.wallops else "")

    def rename(self, nick: str) -> None:
        """Take another nick. ``World.rename`` is the one that tells the others."""
        self.nick = nick
        self.folded = casefold(nick)
        self.prefix = f"{nick}!{self.username}@{self.host}"
