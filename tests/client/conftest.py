"""Fixtures of the terminal client's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.scripted_server import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that the test speaks for."""
    scripted = ScriptedServer()
    yield scripted
    scripted.close()
