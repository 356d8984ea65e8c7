"""Shared by all tests."""

from __future__ import annotations

import gc
import glob
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import chain, groupby
from typing import TYPE_CHECKING

import pytest
from harness.measuring import imports_alone
from harness.temporary_files import keep_in_memory
from hypothesis import settings

from chatroom.compiled_modules import use_compiled_modules

if TYPE_CHECKING:
    from harness.postgresql_server import PostgresqlServer
    from harness.redis_server import RedisServer

IS_COMPILED = bool(os.environ.get("TEST_COMPILED"))
"""True if the tests run against the compiled modules (``make test-compiled``)."""
if IS_COMPILED and not use_compiled_modules():
    raise RuntimeError("there are no compiled modules of these sources")

MEASURED_SETS = 6
"""With so many sets of its parameters coverage is measured of a test. Measured with one alone, a hundredth of the lines
would not be found."""
IS_REPETITION = pytest.StashKey[bool]()
"""True for an item that is a test with a further set of parameters."""

keep_in_memory()

# The desktop of whoever runs the tests may have a keyring, and a test module has one in memory. Neither is asked unless
# a test sets it.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# A property is judged by what it finds, not by how long a busy machine takes for one example.
settings.register_profile("chatroom", deadline=None)
settings.load_profile("chatroom")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note which items repeat a test, and put all in order."""
    counts: Counter[str] = Counter()
    for item in items:
        test = item.nodeid.partition("[")[0]
        item.stash[IS_REPETITION] = counts[test] >= MEASURED_SETS
        counts[test] += 1
    _begin_with_those_that_wait(items)


def _begin_with_those_that_wait(items: list[pytest.Item]) -> None:
    """With several workers, have two of them begin with the end-to-end tests, which often wait: others run meanwhile.

    At the end of the run all workers would wait. Each begins with an equal part of the list.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers < 2:
        return
    waiting = [item for item in items if "e2e" in item.path.parts]
    modules = [list(tests) for _, tests in groupby(waiting, lambda item: item.path)]
    first, second = chain(*modules[::2]), chain(*modules[1::2])
    others = [item for item in items if "e2e" not in item.path.parts]
    middle = max(0, len(items) * (workers // 2) // workers - sum(map(len, modules[::2])))
    items[:] = [*first, *others[:middle], *second, *others[middle:]]


def pytest_collection_finish() -> None:
    """Keep Python's search for garbage from all tests and modules, which stay: it would go through them every time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``debian`` where one of its programs is missing; with ``REQUIRE_DEBIAN`` set, fail it.

    Skip one marked ``interpreted`` if the modules are compiled, and one marked ``compiled`` if they are not.
    """
    for marker in item.iter_markers("interpreted" if IS_COMPILED else "compiled"):
        pytest.skip(marker.args[0] if marker.args else "make test-compiled runs it")
    for marker in item.iter_markers("debian"):
        path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", *glob.glob("/usr/lib/postgresql/*/bin")))
        missing = [program for program in marker.args if shutil.which(program, path=path) is None]
        if missing and os.environ.get("REQUIRE_DEBIAN"):
            pytest.fail(f"not installed: {', '.join(missing)}", pytrace=False)
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for all tests of this process; for those marked ``debian("postgres")``."""
    from harness.postgresql_server import PostgresqlServer

    with PostgresqlServer.running() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server for all tests of this process; for those marked ``debian("redis-server")``."""
    from harness.redis_server import RedisServer

    with RedisServer.running() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without measuring what pytest does: that would take twice as long."""
    with imports_alone():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Pause the measuring of coverage during a test for which it costs much and finds little.

    A property test, or one marked ``unmeasured``, runs the same lines hundreds of times. A test with many sets of
    parameters runs the same lines with most of them. An end-to-end test runs them in other processes.
    """
    is_known = item.stash.get(IS_REPETITION, False) or item.get_closest_marker("hypothesis")
    if is_known or item.get_closest_marker("unmeasured") or "e2e" in item.path.parts:
        with imports_alone():
            return (yield)
    return (yield)
