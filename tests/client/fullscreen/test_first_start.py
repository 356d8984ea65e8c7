"""The first start: the program asks which server, explains its keys, and keeps the answers if that is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.full_screen import CAPS, FullScreen, play
from harness.scripted_server import ScriptedServer

from chatroom.client.address import Address
from chatroom.client.fullscreen import first_start
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.settings.client_file import load

WITH_ACCOUNTS = f"{CAPS} draft/account-registration"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The settings, which do not exist yet."""
    return tmp_path / "config" / "client.toml"


@pytest.fixture
def runs_here(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether this machine has a server: its last item."""
    answers = [True]
    monkeypatch.setattr(first_start, "runs_here", lambda: answers[-1])
    return answers


def test_enter_alone_leads_to_the_server_of_this_machine(file: Path, runs_here: list[bool]) -> None:
    """The nick is proposed, five keys are explained, and the next start needs no question."""

    async def scene(screen: FullScreen) -> None:
        await screen.answer("Server, or a link to one [127.0.0.1, this machine]: ")
        await screen.answer("Nickname [guest]: ", "alice")
        await screen.welcome("#lobby")
        assert screen.options.route.address == Address("127.0.0.1", 6667)
        await screen.answer("Connect here again at the next start, without these questions? [Y/n]: ")
        await screen.see("chatroom alone connects to")
        await screen.see("Ctrl-K  go to a place by name")
        await screen.until(lambda: screen.prompt.startswith("to #lobby › "))
        settings = load(file)
        assert (settings.start.server, settings.start.nick) == ("127.0.0.1", "alice")

    play(scene, nick="", settings=ChatSettings(file), is_first_start=True)


def test_a_guest_is_offered_to_register(file: Path, runs_here: list[bool]) -> None:
    """Who says yes is asked for a password twice; who wants nothing kept has no file."""

    async def scene(screen: FullScreen) -> None:
        await screen.answer("Server", "chat.example")
        await screen.welcome("#lobby", caps=WITH_ACCOUNTS)
        assert screen.options.route.address == Address("chat.example", 6667)
        await screen.answer("Connect here again", "n")
        await screen.answer("Register alice", "hello there")
        await screen.see("Answer y or n.")
        await screen.answer("Register alice with a password, so that nobody else", "y")
        await screen.answer("New password for alice: ", "sesame12")
        await screen.answer("Repeat the password: ", "sesame12")
        await screen.until(lambda: "REGISTER * * :sesame12" in screen.sent)
        assert not file.exists()

    play(scene, settings=ChatSettings(file), is_first_start=True)


def test_escape_leaves_out_what_is_left(file: Path, runs_here: list[bool]) -> None:
    """Nothing is kept and nothing is registered; the chat goes on."""

    async def scene(screen: FullScreen) -> None:
        await screen.answer("Server")
        await screen.welcome("#lobby", caps=WITH_ACCOUNTS)
        await screen.until(lambda: screen.prompt.startswith("Connect here again"))
        await screen.press("escape")
        await screen.until(lambda: screen.prompt.startswith("to #lobby › "))
        await screen.enter("hello")
        assert screen.sent[-1] == "PRIVMSG #lobby hello" or screen.sent[-1].endswith("PRIVMSG #lobby :hello")
        assert not file.exists()

    play(scene, settings=ChatSettings(file), is_first_start=True)


def test_no_server_here_and_no_address(file: Path, runs_here: list[bool]) -> None:
    """The question comes again and says why, until it has an address; a link brings its channel and its invite."""
    runs_here.append(False)

    async def scene(screen: FullScreen) -> None:
        await screen.answer("Server, or a link to one: ")
        await screen.see("No server runs on this machine")
        await screen.answer("Server", "no host")
        await screen.see("no host is not HOST or HOST:PORT, nor a saved server.")
        await screen.answer("Server", "ircs://chat.example/tea?invite=1-abc")
        await screen.answer("Nickname [guest]: ", "zoe")
        await screen.answer("New password for zoe: ", "sesame12")
        await screen.answer("Repeat the password: ", "sesame12")
        await screen.until(lambda: bool(screen.links))
        options = screen.options
        assert options.route.address == Address("chat.example", 6697, tls=True)
        assert (options.nick, options.join, options.invite, options.password) == ("zoe", ("#tea",), "1-abc", "sesame12")

    play(scene, nick="", settings=ChatSettings(file), is_first_start=True)


def test_a_server_of_this_machine_is_found(
    state_directory: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there if something listens on the port, and it is not if nothing does."""
    monkeypatch.setattr(first_start, "PLAIN_PORT", server.port)
    assert first_start.runs_here()
    server.close()
    assert not first_start.runs_here()
