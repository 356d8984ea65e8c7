"""Fixtures for tests that run the daemon as a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.daemon import Daemon, Place, running, until


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


@pytest.fixture(autouse=True)
def left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait until the daemon of a module has seen the clients of a test leave: the next test would read their QUIT."""
    yield
    if "shared" in request.fixturenames:
        shared: Daemon = request.getfixturevalue("shared")
        until(lambda: shared.status()["sessions"] == 0, "all clients of the test have left")
