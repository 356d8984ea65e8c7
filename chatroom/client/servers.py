"""Several servers at once: one session for each, one list of places for all, one front end.

What is typed goes to the server of the place in front. The reports of all links come in with the name of their server.
No input or output; for the front end's thread.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from chatroom.client.chat_events import Denied, Event, Info, Trouble
from chatroom.client.chat_session import ChatSession
from chatroom.client.endings import Over
from chatroom.client.link import LinkItem
from chatroom.client.places.open_places import Places
from chatroom.client.places.place import Place
from chatroom.client.server_link import split_link
from chatroom.errors import ChatroomError

MOST_SERVERS = 20


class Report(NamedTuple):
    """What a link reports, and of which server."""

    server: str
    item: LinkItem


class SessionEvents(NamedTuple):
    """What a session has to show, in order."""

    session: ChatSession
    events: list[Event]


class Chosen(NamedTuple):
    """What the user has chosen for a link with a token: an invite, or one for a new password."""

    nick: str
    password: str


class MakeSession(Protocol):
    """Makes a session that is not started.

    Raises ``ValueError``, ``OSError`` or ``ChatroomError`` with a sentence for the user.
    """

    def __call__(self, address: str, name: str, servers: Servers, chosen: Chosen | None = None) -> ChatSession:
        """``address`` is typed, or the name of a saved server. ``name``: what to call the server."""


class Servers:
    """The sessions, in the order in which they were opened. ``make`` makes those of ``/connect``.

    ``stays``: once a server has welcomed the user, the chat is over only if the user leaves it, so that a screen shows
    the log after a kick, too. Else it is over with the last server.
    """

    def __init__(self, make: MakeSession, places: Places | None = None, *, stays: bool = False) -> None:
        self.places = Places() if places is None else places
        self._make = make
        self._stays = stays
        self._has_left = False  # the user has, all servers
        self._sessions: dict[str, ChatSession] = {}
        self._leaving: set[str] = set()
        # Sessions that are over, and of which the user has been told so. Their places are still open.
        self._ended: set[ChatSession] = set()

    def begin(self, address: str, name: str = "", chosen: Chosen | None = None) -> ChatSession:
        """Make the session of a server, and bring the server's place in front. Raises what ``make`` raises."""
        name = self._free_name(name or address)
        session = self._make(address, name, self, chosen)
        self._sessions[name] = session
        return session

    @property
    def current(self) -> ChatSession:
        """The session of the place in front. There must be one."""
        front = self.places.front
        found = self._sessions.get(front.server) if front is not None else None
        return found if found is not None else next(iter(self._sessions.values()))

    def session_of(self, place: Place) -> ChatSession | None:
        """Return the session of a place, also one that is over; None if there is none."""
        return self._sessions.get(place.server)

    @property
    def over(self) -> Over | None:
        """Set when the chat on the last server has ended, or when the user has left after that."""
        overs = {session: session.over for session in self._sessions.values()}
        if self._alive or not overs or self._waits_for_user:
            return None
        return ([over for session, over in overs.items() if session not in self._ended] or list(overs.values()))[-1]

    @property
    def _alive(self) -> list[ChatSession]:
        return [session for session in self._sessions.values() if session.over is None]

    @property
    def _waits_for_user(self) -> bool:
        """True if the chat goes on without a server that lives, until the user leaves."""
        seen = any(one.has_been_online and not one.quitting for one in self._sessions.values())
        return seen and self._stays and not self._has_left

    @property
    def are_several(self) -> bool:
        """True if lines need the name of their server."""
        return len(self._sessions) > 1

    @property
    def asking(self) -> ChatSession | None:
        """The session with a question to the user, that of the place in front first; None if there is none."""
        if not self._sessions:
            return None
        order = [self.current, *self._sessions.values()]
        return next((session for session in order if session.question is not None and session.over is None), None)

    # What happens

    def handle(self, report: Report) -> list[SessionEvents]:
        """Act on a report. Raises the error that ended a link's thread."""
        session = self._sessions.get(report.server)
        if session is None:
            return []  # the last words of a server that the user has left
        if session.over is None:
            self._ended.discard(session)  # the user has tried it again
        return [SessionEvents(session, session.handle(report.item)), *self.look_for_ends()]

    def look_for_ends(self) -> list[SessionEvents]:
        """Take note of sessions that are over while the chat goes on.

        Their places stay, and the one in front stays there, so that no half-typed line comes to another place. Only the
        user closes them.
        """
        news: list[SessionEvents] = []
        goes_on = bool(self._alive) or self._waits_for_user
        for name, session in list(self._sessions.items()):
            if session.over is None or session in self._ended or not goes_on:
                continue
            if name in self._leaving and len(self._sessions) > 1:
                self._drop(name)
            else:
                self._ended.add(session)
                reason = f"{session.over.text.rstrip('.')}. " if session.over.text else ""
                leaves = "/disconnect closes the places of this server" if self.are_several else "/quit leaves the chat"
                way_out = f"/reconnect tries again, {leaves}."
                news.append(SessionEvents(session, session.talk.show([Trouble(reason + way_out)])))
        return news

    @property
    def sessions(self) -> tuple[ChatSession, ...]:
        """The sessions of all servers."""
        return tuple(self._sessions.values())

    def tick(self) -> bool:
        """Report that time passes: about once a second. False if nothing waits for that until something happens."""
        waits = [session.talk.tick() for session in self._sessions.values()]
        return any(waits)

    def quit(self, reason: str = "") -> None:
        """Leave all servers."""
        self._has_left = True
        for session in self._alive:
            session.quit(reason)

    @property
    def quitting(self) -> bool:
        """True once the user leaves all servers."""
        return all(session.quitting or session.over is not None for session in self._sessions.values())

    # Commands

    def find(self, address: str) -> ChatSession | None:
        """Return the session with the server at this address; None if there is none, or if it is over."""
        return next((session for session in self._alive if session.address == address), None)

    def connect(self, address: str, chosen: Chosen | None = None) -> list[Event]:
        """Connect to one more server, and turn to it."""
        if len(self._sessions) >= MOST_SERVERS:
            return [Denied(f"You are on {MOST_SERVERS} servers already.")]
        name = split_link(address).server.removeprefix("irc://").removeprefix("ircs://")
        known = self._sessions.get(name)
        if known is not None and known.over is None:
            return self.turn_to(name)
        self._drop(name)
        try:
            session = self.begin(address, name, chosen)
        except (ValueError, OSError, ChatroomError) as error:
            return [Denied(str(error))]
        self.places.turn_to(session.talk.here.home)
        if session.question is None:
            session.start()
        return [Info(f"Connecting to {session.address}. /server lists your servers.")]

    def disconnect(self, name: str) -> list[Event]:
        """Leave a server, by default that of the place in front, and close its places."""
        name = name or self.current.talk.here.server
        session = self._sessions.get(name)
        if session is None:
            return [Denied(f"You are on no server called {name}. /server lists them.")]
        if session.over is not None and len(self._sessions) > 1:
            self._drop(name)
            return []
        if len(self._alive) <= 1:
            return [Denied("This is your only server. /quit leaves the chat.")]
        self._leaving.add(name)
        session.quit()
        return []

    def turn_to(self, name: str) -> list[Event]:
        """Turn to the place of a server; without a name, list the servers."""
        if not name:
            lines = [f"  {called}: {session.address}, {_state(session)}" for called, session in self._sessions.items()]
            return [Info("\n".join(["Your servers:", *lines, "/connect HOST adds one, /disconnect leaves one."]))]
        session = self._sessions.get(name)
        if session is None:
            return [Denied(f"You are on no server called {name}. /server lists them, /connect {name} connects.")]
        self.places.turn_to(session.talk.here.home)
        return []

    def _drop(self, server: str) -> None:
        """Forget a session, if there is one, and close its places."""
        session = self._sessions.pop(server, None)
        if session is not None:
            self._ended.discard(session)
        self._leaving.discard(server)
        for place in [place for place in self.places if place.server == server]:
            self.places.close(place)

    def _free_name(self, wanted: str) -> str:
        taken = {place.server for place in self.places}
        names = (wanted, *(f"{wanted} ({number})" for number in range(2, MOST_SERVERS + 3)))
        return next(name for name in names if name not in taken)


def _state(session: ChatSession) -> str:
    if session.online:
        return f"as {session.state.nick}" + (f", no answer for {session.lag_s} s" if session.lag_s else "")
    return "offline" if session.is_offline else "connecting"
