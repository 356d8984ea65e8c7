"""A set-up that ``chatroomctl check`` finds nothing wrong with, until a test breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from harness.checked_setup import CheckedSetup


@pytest.fixture
def setup(run: Callable[..., Result], home: Path) -> Iterator[CheckedSetup]:
    """A set-up without a daemon."""
    made = CheckedSetup(run, home)
    yield made
    for server in made.servers:
        server.close()
