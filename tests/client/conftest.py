"""Fixtures of the terminal client's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.scripted_server import ScriptedServer


@pytest.fixture(autouse=True)
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the client remembers servers: not in the developer's home."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "chatroom"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that the test speaks for."""
    scripted = ScriptedServer()
    yield scripted
    scripted.close()
