"""Fixtures: an empty home, runtime directory and database, and ``chatroomctl`` run in the test process."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from harness.control_server import ControlServer
from harness.new_database import make_database

from chatroom.ctl.main import cli

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home that is also the working directory. Nothing of the developer's own is read or written."""
    for name in [name for name in os.environ if name.startswith(("CHATROOM_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.chdir(tmp_path)
    # Not below tmp_path: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="chatroom-test-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        # Where daemons without XDG_RUNTIME_DIR are looked for, here and in processes.
        monkeypatch.setenv("TMPDIR", runtime)
        monkeypatch.setattr("tempfile.tempdir", runtime)
        yield tmp_path


@pytest.fixture
def run() -> Run:
    """Run ``chatroomctl`` with these arguments. ``input`` is its standard input."""

    def invoke(*args: str | Path, input: str | None = None) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], input=input, prog_name="chatroomctl")

    return invoke


@pytest.fixture
def database(home: Path) -> Path:
    """An empty database."""
    return make_database(home / "chat.db")


@pytest.fixture
def present(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Have a daemon list these sessions: nick, address and, if it is not ``user``, username.

    It disconnects nobody, so that a ban does not wait long for it.
    """
    monkeypatch.setattr("chatroom.ctl.ban_outcome._PATIENCE_S", 0.1)
    servers = []

    def start(*sessions: tuple[str, ...]) -> None:
        lines = [
            f":srv NOTE SESSIONS {number} {nick} {''.join(username) or 'user'} {address} * * 1900000000 0 #lobby"
            for number, (nick, address, *username) in enumerate(sessions)
        ]
        servers.append(ControlServer(database, {"SESSIONS": lines}))

    yield start
    for server in servers:
        server.close()
