"""The nicks that each session watches by MONITOR (IRCv3 Monitor and extended-monitor)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.irc import caps
from chatroom.irc.framing import encode
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.events import Event
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User


class MonitorLists:
    """The watched nicks by session, and the watching sessions by nick. Guarded by the hub lock."""

    __slots__ = ("_by_nick", "_by_session")

    def __init__(self) -> None:
        self._by_session: dict[Session, dict[str, str]] = {}
        """By session and casefolded nick: the nick as the client wrote it. No inner dict is empty."""
        self._by_nick: dict[str, dict[Session, None]] = {}
        """The watching sessions by casefolded nick, in the order in which they asked. No inner dict is empty."""

    def add(self, session: Session, nick: str) -> bool:
        """Watch a nick. False if the session watches it already. The caller checks ``MONITORED_NICKS``."""
        folded = casefold(nick)
        watched = self._by_session.setdefault(session, {})
        if folded in watched:
            return False
        watched[folded] = nick
        self._by_nick.setdefault(folded, {})[session] = None
        return True

    def discard(self, session: Session, nick: str) -> None:
        """Stop watching a nick. Does nothing if the session does not watch it."""
        folded = casefold(nick)
        watched = self._by_session.get(session, {})
        if watched.pop(folded, None) is None:
            return
        if not watched:
            del self._by_session[session]
        watchers = self._by_nick[folded]
        del watchers[session]
        if not watchers:
            del self._by_nick[folded]

    def clear(self, session: Session) -> None:
        """Stop watching all nicks of a session."""
        if session in self._by_session:
            for nick in self.nicks(session):  # a copy, because ``discard`` changes the dict
                self.discard(session, nick)

    def nicks(self, session: Session) -> list[str]:
        """The nicks that a session watches, in the order in which it asked."""
        return list(self._by_session.get(session, {}).values())

    def has(self, session: Session, nick: str) -> bool:
        """True if the session watches the nick."""
        return casefold(nick) in self._by_session.get(session, {})

    def watchers(self, nick: str) -> Iterable[Session]:
        """The sessions that watch the nick."""
        return self._by_nick.get(casefold(nick), ())

    # -- lines for the watchers -------------------------------------------------------------------

    def tell_online(self, outbox: Outbox, server: str, user: User) -> None:
        """Tell the watchers of the user's nick that a user has it now (numeric 730)."""
        if self._by_nick:  # on most servers no client watches: then a connect or quit costs nothing here
            self._tell(outbox, user.folded, f":{server} 730", user.prefix)

    def tell_offline(self, outbox: Outbox, server: str, nick: str) -> None:
        """Tell the watchers of a nick that no user has it any more (numeric 731)."""
        if self._by_nick:
            self._tell(outbox, casefold(nick), f":{server} 731", nick)

    def _tell(self, outbox: Outbox, folded: str, head: str, text: str) -> None:
        for session in self._by_nick.get(folded, ()):
            if session.user is not None:
                outbox.to_session(session, encode(f"{head} {session.user.nick} :{text}"))

    def tell_change(self, outbox: Outbox, user: User, event: Event) -> None:
        """Tell a numbered change of a user (AWAY, ACCOUNT, SETNAME) to its watchers with extended-monitor."""
        for session in self._by_nick.get(user.folded, ()):
            if session.caps & caps.EXTENDED_MONITOR and session.user is not user:
                line = event.render(session.variant)
                if line:
                    outbox.to_session(session, line, event.seq)
