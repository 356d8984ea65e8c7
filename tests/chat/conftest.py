"""A world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.world import Here


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A world without users and limits. ``#lobby`` is configured."""
    with Here(tmp_path / "chatroom.db") as here:
        yield here
