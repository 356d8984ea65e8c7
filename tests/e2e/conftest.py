"""Fixtures for tests that run the daemon as a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.daemon import Daemon, Place, running


@pytest.fixture
def place() -> Iterator[Place]:
    """A place for this test alone, without a daemon."""
    with Place.make() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    """A daemon for all tests of a module: ada is an admin, mo a moderator, una a user."""
    with running(accounts={"ada": "admin", "mo": "moderator", "una": "user"}) as daemon:
        yield daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon for this test alone."""
    with running() as started:
        yield started
