"""The full screen without a terminal, on the connection of a real server."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from harness.daemon import CAP_S, PASSWORD
from harness.full_screen import FullScreen

from chatroom.client.address import Address
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.app import ChatApp
from chatroom.client.handshake import Login
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Link
from chatroom.client.options import Options
from chatroom.client.route import Route
from chatroom.client.servers import Chosen, Report, Servers
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.wanted_caps import FOR_PLACES


class LiveScreen(FullScreen):
    """One user of a server, as a terminal would have it. ``address`` of ``/connect`` is a port of this machine."""

    def __init__(
        self,
        port: int,
        nick: str = "alice",
        *,
        account: bool = False,
        join: tuple[str, ...] = ("#lobby",),
        settings: ChatSettings | None = None,
    ) -> None:
        super().__init__(nick, join, settings=settings)
        self._port = port
        self._has_account = account
        self.live_links: list[Link] = []

    def _make_servers(self, app: ChatApp, options: Options) -> Servers:
        def make(address: str, name: str, servers: Servers, chosen: Chosen | None = None) -> ChatSession:
            port = int(address.rpartition(":")[2]) if address else self._port
            route = Route(Address("127.0.0.1", port), KnownServers(None), lambda: datetime.now(UTC))
            nick = options.nick
            login = Login(
                nick, nick if self._has_account else "", PASSWORD if self._has_account else "", "", FOR_PLACES
            )

            def make_link() -> Link:
                self.live_links.append(
                    Link(route.address, lambda item: app.inbox.post(Report(name, item)), waiting=app.inbox.waiting)
                )
                return self.live_links[-1]

            return ChatSession(
                route,
                login,
                make_link,
                time.monotonic,
                random.random,
                options.join if not address else (),
                places=servers.places,
                name=name,
                servers=servers,
                settings=options.settings,
            )

        servers = Servers(make)
        servers.begin("", "here")
        return servers

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true."""
        give_up_at = time.monotonic() + CAP_S
        while not condition():
            assert time.monotonic() < give_up_at, "it never came; on the screen is:\n" + "\n".join(self.rows)
            await asyncio.sleep(0.01)

    async def settle(self) -> None:
        """Wait until the keys are handled and painted. What the server answers is waited for by ``see``."""
        for _ in range(2):
            await self.pilot._wait_for_screen()

    async def said(self, text: str) -> None:
        """Wait until a message is on the screen, and the server has said it."""
        session = self.app.session
        assert session is not None
        await self.see(text)
        await self.until(lambda: not session.speech.under_way)

    async def see_place(self, row: str) -> None:
        """Wait until a row is in the list of places."""
        await self.until(lambda: row in self.places)

    async def gone(self, text: str) -> None:
        """Wait until a text is on the screen no more."""
        await self.until(lambda: not any(text in row for row in self.rows))


def play_live(scene: Callable[[LiveScreen], Awaitable[None]], port: int, nick: str = "alice", **given: object) -> None:
    """Play a scene on the full screen of a user of the server at this port, who leaves at its end."""
    size = (given.pop("columns", 80), given.pop("rows", 24))

    async def run() -> None:
        screen = LiveScreen(port, nick, **given)  # type: ignore[arg-type]
        async with screen.open(*size):  # type: ignore[arg-type]
            try:
                await scene(screen)
            finally:
                screen.app.leave()
                for link in screen.live_links:
                    await asyncio.to_thread(link.join, CAP_S)

    asyncio.run(run())
