"""The terminal client's session without sockets and clocks, on a link that records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatroom.client.address import Address
from chatroom.client.chat_events import Event
from chatroom.client.chat_session import ChatSession
from chatroom.client.handshake import Login
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Closed, Opened, Received
from chatroom.client.route import Route
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.trust import SYSTEM_TRUST, Trust
from chatroom.irc.message import parse

PLAIN = Address("host", 6667)
NOTHING_KNOWN = KnownServers(None)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""When each stage begins."""


class FakeLink:
    """A link that records its calls."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.opened_after: float | None = None
        self.closed = False
        self.abandoned = False
        self.attended: list[float] = []

    @property
    def lines(self) -> list[str]:
        """What was sent, without the PINGs that ask for a confirmation."""
        return [line for line in self.sent if not line.startswith("PING :said-")]

    def open(self, after_s: float = 0.0) -> None:
        self.opened_after = after_s

    def send(self, line: str) -> None:
        self.sent.append(line)

    def attend(self, at: float) -> None:
        self.attended.append(at)

    def close(self) -> None:
        self.closed = True

    def abandon(self) -> None:
        self.abandoned = True


class Stage:
    """A session, its links and its clock."""

    def __init__(
        self,
        *,
        account: str = "",
        password: str = "",
        server_password: str = "",
        join: tuple[str, ...] = (),
        attempts: int = 99,
        address: Address = PLAIN,
        known: KnownServers = NOTHING_KNOWN,
        trust: Trust = SYSTEM_TRUST,
        settings: ChatSettings | None = None,
    ) -> None:
        self.links: list[FakeLink] = []
        self.now = 0.0
        self.route = Route(address, known, lambda: NOON + timedelta(seconds=self.now), trust)
        self.session = ChatSession(
            self.route,
            Login("alice", account, password, server_password),
            self._make_link,
            lambda: self.now,
            lambda: 0.5,
            join,
            attempts,
            settings=settings,
        )
        self.session.start()

    def _make_link(self) -> FakeLink:
        self.links.append(FakeLink())
        self._confirmed = 0
        return self.links[-1]

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    def hear(self, *lines: str) -> list[Event]:
        return self.session.handle(Received([parse(line) for line in lines]))

    def confirm(self) -> list[Event]:
        """Answer every PING that asks for a confirmation, those that follow the answer included."""
        events: list[Event] = []
        while self._confirmed < len(self.link.sent):
            line = self.link.sent[self._confirmed]
            self._confirmed += 1
            if line.startswith("PING :said-"):
                events += self.hear(f"PONG srv {line[6:]}")
        return events

    def welcome(self, *channels: str, caps: str = "server-time", acked: str = "") -> list[Event]:
        """Connect and complete the registration; the server puts the user into ``channels``.

        ``acked``: the names of the capabilities, if ``caps`` has values too.
        """
        self.session.handle(Opened())
        self.hear(f":srv CAP * LS :{caps}", f":srv CAP * ACK :{acked or caps}")
        return self.enter(*channels)

    def enter(self, *channels: str) -> list[Event]:
        lines = [":srv 001 alice :Welcome", ":srv 422 alice :No MOTD"]
        for name in channels:
            lines += [f":alice!a@h JOIN {name}", f":srv 353 alice = {name} :bob alice", f":srv 366 alice {name} :End"]
        return self.hear(*lines)

    def lose(self, reason: str = "the server closed the connection") -> list[Event]:
        return self.session.handle(Closed(reason, was_open=True))
