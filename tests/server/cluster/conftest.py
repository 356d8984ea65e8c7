"""Redis, and links of nodes to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from harness.node_links import Nodes
from harness.redis_server import RedisServer

_NUMBERS = itertools.count(1)


@pytest.fixture
def nodes(redis_server: RedisServer) -> Nodes:
    """A cluster of its own on the Redis that all tests share."""
    return Nodes(redis_server, f"test{next(_NUMBERS)}")


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that the test may kill and restart."""
    with RedisServer.running() as server:
        yield server


@pytest.fixture
def mortal_nodes(own_redis: RedisServer) -> Nodes:
    """A cluster on a Redis that the test may kill and restart."""
    return Nodes(own_redis, "test")
