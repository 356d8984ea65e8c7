"""A chat on the full screen from its options to its end, without a terminal; and the choice of a password."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from harness.scripted_server import CAP_S, ScriptedServer
from textual import events
from textual.pilot import Pilot

from chatroom.client.address import parse_address
from chatroom.client.chats import _choose_password, chat_full_screen
from chatroom.client.fullscreen.app import ChatApp
from chatroom.client.known_servers import KnownServers
from chatroom.client.options import Options
from chatroom.client.route import Route
from chatroom.client.screen import Screen

HINT = "Is a server running here? `chatroomctl serve` starts one.\n"


class Answers:
    """A screen on which these answers are typed."""

    def __init__(self, *answers: str) -> None:
        self.asked: list[str] = []
        self._answers = iter(answers)

    async def ask(self, prompt: str, *, secret: bool = False) -> str:
        """Take the next answer, which must be hidden."""
        assert secret
        self.asked.append(prompt)
        return next(self._answers)


@pytest.fixture(autouse=True)
def _no_thread_remains(server: ScriptedServer) -> Iterator[None]:
    """Wait for the end of the threads that a test has started."""
    threads = set(threading.enumerate())
    yield
    server.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(CAP_S)
        assert not thread.is_alive(), thread.name


def options(port: int) -> Options:
    """Bob on this port of the loopback interface."""
    route = Route(parse_address(f"127.0.0.1:{port}", tls=False), KnownServers(None), lambda: datetime.now(UTC))
    return Options(route, "bob", "", "", "", (), server_name=f"127.0.0.1:{port}")


def draw_nowhere(
    monkeypatch: pytest.MonkeyPatch,
    ready: threading.Event,
    typed: str = "",
    typing_done: threading.Event | None = None,
) -> None:
    """Let the full screen run without a terminal, and type a line on it, if there is one, when it is ``ready``.

    With ``typing_done``, which is set when all keys have been taken, it is not sent.
    """
    run_async = ChatApp.run_async

    async def pilot(pilot: Pilot[Any]) -> None:
        app = cast(ChatApp, pilot.app)
        while typed and not (ready.is_set() and any("#lobby" in text for _, text in app.chat.composer.prompt)):
            await asyncio.sleep(0.005)
        for key in typed:
            app.post_message(events.Key("slash" if key == "/" else key, key))
        if typing_done is not None:
            while app.chat.composer.editor.text != typed:
                await asyncio.sleep(0.005)
            typing_done.set()
            while app.servers is None or app.servers.current.over is None:
                await asyncio.sleep(0.005)
            assert app.over is None  # the screen stays, with the reason
            app.leave()
        elif typed:
            app.post_message(events.Key("enter", None))

    async def run(self: ChatApp) -> int | None:
        return await run_async(self, headless=True, size=(80, 24), auto_pilot=pilot)

    monkeypatch.setattr(ChatApp, "run_async", run)


def test_the_full_screen_tells_that_nothing_listens(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the screen has gone, stderr has the reason, and how to start a server on this machine."""
    draw_nowhere(monkeypatch, threading.Event())
    server.close()
    assert asyncio.run(chat_full_screen(options(server.port))) == 1
    text = f"Cannot connect to 127.0.0.1:{server.port}: no server is listening there.\n"
    assert capsys.readouterr().err == text + HINT


def test_a_chat_on_the_full_screen_ends_with_quit(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The chat logs in on a real connection; ``/quit`` says so to the server, and the exit code is 0."""
    ready = threading.Event()
    draw_nowhere(monkeypatch, ready, "/quit")

    def serve() -> None:
        peer = server.accept()
        try:
            assert peer.login("#lobby") == "bob"
            peer.send("PING :here")
            peer.expect("PONG")
        finally:
            ready.set()
        peer.expect("QUIT")
        peer.send("ERROR :Closing Link: 127.0.0.1 (Client quit)")
        peer.close()

    with ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve)
        assert asyncio.run(chat_full_screen(options(server.port))) == 0
        served.result(CAP_S)
    assert capsys.readouterr().err == ""


def test_what_was_being_typed_is_printed_when_the_user_leaves_after_a_kick(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the screen it would be gone. The reason is said again, and the exit code is 1."""
    ready, typing_done = threading.Event(), threading.Event()
    draw_nowhere(monkeypatch, ready, "wait", typing_done)

    def serve() -> None:
        peer = server.accept()
        try:
            assert peer.login("#lobby") == "bob"
            peer.send("PING :here")
            peer.expect("PONG")
        finally:
            ready.set()
        assert typing_done.wait(CAP_S)
        peer.send("ERROR :Closing link: (You were kicked by an admin: loud)")
        peer.close()

    with ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve)
        assert asyncio.run(chat_full_screen(options(server.port))) == 1
        served.result(CAP_S)
    assert capsys.readouterr().err == "You were kicked by an admin: loud\nNot sent to #lobby: wait\n"


def test_a_new_password_is_asked_for_until_it_was_typed_twice() -> None:
    """After two that differ, the question comes again and says why."""
    answers = Answers("tea", "coffee", "hunter22", "hunter22")
    assert asyncio.run(_choose_password(cast(Screen, answers), "zoe")) == "hunter22"
    first, repeat = "New password for zoe: ", "Repeat the password: "
    assert answers.asked == [first, repeat, f"The passwords differ. {first}", repeat]


def test_an_empty_new_password_ends_the_question() -> None:
    """It is the end, as Ctrl-D is."""
    with pytest.raises(EOFError):
        asyncio.run(_choose_password(cast(Screen, Answers("")), "zoe"))
