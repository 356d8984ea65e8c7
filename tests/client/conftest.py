"""Fixtures of the terminal client's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.client_screen import CAPS, Start
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal


@pytest.fixture(autouse=True)
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the client remembers servers: not in the developer's home, nor are its settings."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "state" / "chatroom"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that the test speaks for."""
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def start(server: ScriptedServer) -> Iterator[Start]:
    """Start the client in a terminal, with lines above a prompt."""
    terminals = []

    def run(*args: str, env: dict[str, str] | None = None) -> Terminal:
        terminals.append(Terminal("-m", "chatroom.client", f"127.0.0.1:{server.port}", "--prompt", *args, env=env))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def chat(server: ScriptedServer, start: Start) -> tuple[Terminal, Peer]:
    """The terminal of bob in #lobby, with alice, and the server's end of the connection."""
    terminal = start("--nick", "bob")
    peer = server.accept()
    peer.login("#lobby", caps=CAPS)
    terminal.see_last("[#lobby]")
    return terminal, peer
