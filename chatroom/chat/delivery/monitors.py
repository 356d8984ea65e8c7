"""Who watches which nicks: the lists that MONITOR keeps (IRCv3 Monitor)."""

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
    """Each session's list, and who watches a nick. Guarded by the hub lock."""

    __slots__ = ("_by_nick", "_by_session")

    def __init__(self) -> None:
        self._by_session: dict[Session, dict[str, str]] = {}
        """Nicks as they were given, by casefolded nick; none is empty."""
        self._by_nick: dict[str, dict[Session, None]] = {}

    def add(self, session: Session, nick: str) -> bool:
        """Watch one nick more; False where it is watched already. The caller keeps to ``MONITORED_NICKS``."""
        folded = casefold(nick)
        watched = self._by_session.setdefault(session, {})
        if folded in watched:
            return False
        watched[folded] = nick
        self._by_nick.setdefault(folded, {})[session] = None
        return True

    def discard(self, session: Session, nick: str) -> None:
        """Watch a nick no longer, if it was watched."""
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
        """Watch nobody any longer."""
        if session in self._by_session:
            for nick in self.nicks(session):
                self.discard(session, nick)

    def nicks(self, session: Session) -> list[str]:
        """The nicks a session watches, in the order in which it asked for them."""
        return list(self._by_session.get(session, {}).values())

    def has(self, session: Session, nick: str) -> bool:
        """Whether a session watches that nick."""
        return casefold(nick) in self._by_session.get(session, {})

    def watchers(self, nick: str) -> Iterable[Session]:
        """The sessions that watch that nick."""
        return self._by_nick.get(casefold(nick), ())

    # -- what they are told -----------------------------------------------------------------------

    def tell_online(self, outbox: Outbox, server: str, user: User) -> None:
        """Tell those who watch the nick that somebody wears it now."""
        if self._by_nick:
            self._tell(outbox, user.folded, f":{server} 730", user.prefix)

    def tell_offline(self, outbox: Outbox, server: str, nick: str) -> None:
        """Tell those who watch the nick that nobody wears it any more."""
        if self._by_nick:
            self._tell(outbox, casefold(nick), f":{server} 731", nick)

    def _tell(self, outbox: Outbox, folded: str, head: str, text: str) -> None:
        for session in self._by_nick.get(folded, ()):
            if session.user is not None:
                outbox.to_session(session, encode(f"{head} {session.user.nick} :{text}"))

    def tell_change(self, outbox: Outbox, user: User, event: Event) -> None:
        """Tell a numbered change of somebody (AWAY, ACCOUNT, CHGHOST, SETNAME) to watchers with extended-monitor."""
        for session in self._by_nick.get(user.folded, ()):
            if session.caps & caps.EXTENDED_MONITOR and session.user is not user:
                line = event.render(session.variant)
                if line:
                    outbox.to_session(session, line, event.seq)
