"""The full screen without a terminal and a server: keys go in, rows of the screen come out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from harness.client_stage import NOTHING_KNOWN, PLAIN, FakeLink
from textual import events
from textual.keys import _character_to_key

from chatroom.client.address import Address, parse_address
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.alt_keys import KeyParser
from chatroom.client.fullscreen.app import ChatApp
from chatroom.client.handshake import Login
from chatroom.client.link import LinkItem, Opened, Received
from chatroom.client.options import Options
from chatroom.client.route import Route
from chatroom.client.servers import Chosen, Report, Servers
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.irc.message import parse

CAPS = "server-time echo-message"


class FullScreen:
    """One chat of alice on the full screen."""

    def __init__(
        self,
        nick: str = "alice",
        join: tuple[str, ...] = (),
        invite: str = "",
        settings: ChatSettings | None = None,
        is_first_start: bool = False,
    ) -> None:
        self.links: list[FakeLink] = []
        self.options = Options(
            self._make_route(PLAIN),
            nick,
            "",
            "",
            "",
            join,
            settings or ChatSettings(),
            invite,
            is_first_start=is_first_start,
        )
        """What the chat begins with; the answers of the user are among it once it has begun."""
        self.chosen: dict[str, Chosen | None] = {}
        """What was chosen for each server that was opened later, by its address."""
        self.app = ChatApp(self._make_servers, self.options, default_nick="guest")

    @staticmethod
    def _make_route(address: Address) -> Route:
        return Route(address, NOTHING_KNOWN, lambda: datetime(2030, 1, 1, tzinfo=UTC))

    def _make_servers(self, app: ChatApp, options: Options) -> Servers:
        def make(address: str, name: str, servers: Servers, chosen: Chosen | None = None) -> ChatSession:
            if address:
                self.chosen[address] = chosen
            route = self._make_route(parse_address(address)) if address else options.route
            join = options.join if not address else ()
            return ChatSession(
                route,
                Login(options.nick),
                self._make_link,
                lambda: 0.0,
                lambda: 0.5,
                join,
                places=servers.places,
                name=name,
                servers=servers,
                settings=options.settings,
            )

        self.options = options
        servers = Servers(make, stays=True)
        servers.begin("", "host")
        return servers

    def _make_link(self) -> FakeLink:
        self.links.append(FakeLink())
        return self.links[-1]

    @property
    def sent(self) -> list[str]:
        """What was sent on the connection, without the PINGs of the program's own."""
        return [line for line in self.links[-1].sent if not line.startswith("PING :")]

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, without blanks at their ends."""
        size = self.app.size
        strips = self.app.screen._compositor.render_strips(size)
        return [strip.text.rstrip() for strip in strips]

    @property
    def places(self) -> list[str]:
        """The rows of the list of places, with single blanks."""
        width = self.app.chat.places.size.width
        rows = [" ".join(row[:width].split()) for row in self.rows[1 : self.app.size.height - 2]]
        return [row for row in rows if row]

    @property
    def prompt(self) -> str:
        """The lowest row."""
        return self.rows[-1]

    async def post(self, *items: LinkItem, server: str = "host") -> None:
        """Report from the link of a server."""
        for item in items:
            self.app.inbox.post(Report(server, item))
        await self.settle()

    async def hear(self, *lines: str, server: str = "host") -> None:
        """Receive these lines of a server."""
        await self.post(Received([parse(line) for line in lines]), server=server)

    async def welcome(self, *channels: str, caps: str = CAPS) -> None:
        """Connect; the server puts alice into these channels, with bob."""
        await self.until(lambda: bool(self.links))
        await self.post(Opened())
        await self.hear(f":srv CAP * LS :{caps}", f":srv CAP * ACK :{caps}", ":srv 001 alice :Hi", ":srv 422 alice :No")
        for name in channels:
            await self.join(name)

    async def join(self, name: str, *others: str) -> None:
        """Put alice into a channel, with bob and others."""
        names = " ".join(["@bob", "alice", *others])
        await self.hear(f":alice!a@h JOIN {name}", f":srv 353 alice = {name} :{names}", f":srv 366 alice {name} :End")

    async def settle(self) -> None:
        """Wait until everything has been handled and painted."""
        await self.until(lambda: not self.app.inbox.waiting() and not self.app.inbox.is_due)
        # Not ``pause``: it waits until the process is idle, which on a busy machine takes a second for each key.
        for _ in range(2):
            await self.pilot._wait_for_screen()
            await self.until(lambda: not self.app.typed_input.is_waiting)
            await self.pilot._wait_for_screen()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true."""
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it never came; on the screen is:\n" + "\n".join(self.rows))

    async def see(self, text: str) -> None:
        """Wait until a text is on the screen."""
        await self.until(lambda: any(text in row for row in self.rows))

    async def press(self, *keys: str) -> None:
        """Press keys. A single character is itself."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            self.app.post_message(events.Key(name, key if len(key) == 1 else None))
        await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.press(*text)

    async def paste(self, text: str) -> None:
        """Paste a text."""
        self.app.post_message(events.Paste(text))
        await self.settle()

    async def burst(self, data: str) -> None:
        """Read what a terminal sends for several keys, clicks and pastes at once, as after a moment of no time."""
        for event in KeyParser().feed(data):
            self.app.post_message(event)
        await self.settle()

    async def enter(self, text: str) -> None:
        """Type a line and press Enter."""
        await self.press(*text, "enter")

    async def choose(self, first: str, *texts: str) -> None:
        """Open a menu by its key, and choose what fits each text."""
        await self.press(first)
        for text in texts:
            await self.press(*text, "enter")

    async def answer(self, question: str, text: str = "") -> None:
        """Wait for a question that begins like this, in up to three rows, and answer it."""
        await self.until(lambda: any(row.startswith(question.rstrip()) for row in self.rows[-3:]))
        await self.enter(text)

    @asynccontextmanager
    async def open(self, columns: int = 80, rows: int = 24) -> AsyncIterator[FullScreen]:
        """Run the program while the block runs."""
        async with self.app.run_test(size=(columns, rows)) as self.pilot:
            yield self
        if self.app.failure is not None:
            raise self.app.failure


def play(scene: Callable[[FullScreen], Awaitable[None]], columns: int = 80, rows: int = 24, **given: object) -> None:
    """Play a scene on a full screen of this size."""

    async def run() -> None:
        async with FullScreen(**given).open(columns, rows) as screen:  # type: ignore[arg-type]
            await scene(screen)

    asyncio.run(run())
