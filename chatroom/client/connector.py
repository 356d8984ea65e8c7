"""How a session reaches its server: one link after the other, the way of ``Route``, at the pauses of ``Retries``."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.link import Opened
from chatroom.client.link_state import LinkLike, LinkState
from chatroom.client.reconnecting import Retries
from chatroom.client.route import Route


class Connector:
    """Makes the connections of a session. ``make_link`` returns a new link for each of them."""

    def __init__(self, route: Route, make_link: Callable[[], LinkLike], retries: Retries) -> None:
        self.route = route
        self.state = LinkState()
        """What is known of the present connection, or of the last one."""
        self.lag_s = 0
        """For how many seconds the server has not answered; 0 if it answers."""
        self._make_link = make_link
        self._retries = retries

    # -- the present connection -------------------------------------------------------------------

    def send(self, line: str) -> None:
        """Send a line to the server, if there is a connection."""
        if self.state.link is not None:
            self.state.link.send(line)

    def attend(self, at: float) -> None:
        """Report when the user was there last, in seconds of the clock: see ``Link.attend``."""
        if self.state.link is not None:
            self.state.link.attend(at)

    def opened(self, item: Opened) -> None:
        """Note that the link is open."""
        self.state.is_open = True
        self.state.is_exposed = item.exposed

    def welcomed(self) -> None:
        """Note that the server has let the user in."""
        self._retries.welcomed()

    def closed(self) -> LinkState:
        """Note that the link has closed, and return what was known of the connection."""
        self.state.link = None
        self.state.is_open = False
        self.lag_s = 0
        return self.state

    # -- its end ----------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Close the connection, if there is one, when all lines are written."""
        if self.state.link is not None:
            self.state.link.close()

    def end(self, reason: str) -> bool:
        """Hang up at once, and do not connect again unasked. False if there is no connection."""
        if self.state.link is None:
            return False
        self.state.final_reason = reason
        self.state.link.abandon()
        return True

    # -- the next one -----------------------------------------------------------------------------

    def connect(self, after_s: float = 0.0) -> None:
        """Connect, after a pause. Raises ``KnownServersUnusable``."""
        self.route.prepare()
        link = self._make_link()
        self.state = LinkState(link)
        link.open(after_s)

    def connect_again(self) -> None:
        """Connect anew now, whatever the state of the connection."""
        state = self.state
        state.comes_back = True
        if state.link is None:
            self.connect()
        elif state.is_open:
            self.send("QUIT :Connecting again")
            state.link.close()
        else:
            state.link.abandon()

    def connect_later(self, *, was_online: bool) -> int | str:
        """Plan the next attempt, and return after how many seconds it comes, or why there is none.

        ``was_online``: the connection that ended had been welcomed.
        """
        pause_s = self._retries.next_pause_s(was_online=was_online)
        if pause_s is None:
            return f"Gave up after {self._retries.attempts} attempts."
        self.connect(pause_s)
        return max(1, round(pause_s))

    def move_to_tls(self, port: int) -> None:
        """Connect with TLS to that port instead, at once."""
        self.route.upgrade(port)
        self.state.moves_to_tls = True
        if self.state.link is not None:
            self.state.link.abandon()

    def wait_for_ghost(self, nick: str) -> bool:
        """Hang up and come back later, because the server may not have noticed yet that the old connection is lost.

        False if there is no connection, or if that was tried often enough.
        """
        state = self.state
        if state.link is None or not self._retries.wait_for_ghost():
            return False
        state.close_reason = f"{nick} is still taken, probably by the connection that was lost"
        self.send("QUIT")
        state.link.close()
        return True
