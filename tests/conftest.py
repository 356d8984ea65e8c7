"""Shared by all tests."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

# A property is judged by what it finds, not by how long a busy machine takes for one example.
settings.register_profile("chatroom", deadline=None)
settings.load_profile("chatroom")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``debian`` where one of its programs is missing; with ``REQUIRE_DEBIAN`` set, fail it."""
    for marker in item.iter_markers("debian"):
        missing = [program for program in marker.args if shutil.which(program) is None]
        if missing and os.environ.get("REQUIRE_DEBIAN"):
            pytest.fail(f"not installed: {', '.join(missing)}", pytrace=False)
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
