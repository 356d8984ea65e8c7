"""Fixtures for tests that run the daemon as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.daemon import Daemon, Place, running


@pytest.fixture
def place() -> Iterator[Place]:
    """A place of the test's own, with no daemon in it yet."""
    with Place.make() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    """A daemon for all tests of a module: ada is an admin, mo a moderator, una a user."""
    with running(accounts={"ada": "admin", "mo": "moderator", "una": "user"}) as daemon:
        yield daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon of the test's own."""
    with running() as started:
        yield started
