"""A world of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.world import Here, make_settings


@pytest.fixture
def make_here(tmp_path: Path) -> Iterator[Callable[..., Here]]:
    """Make a world with some settings changed: ``make_here(accounts={"require_login": True})``.

    With ``keeping`` what is said there is kept.
    """
    made: list[Here] = []

    def make(*, keeping: bool = False, **sections: dict[str, Any]) -> Here:
        here = Here(tmp_path / f"{len(made)}.db", make_settings(**sections), history=keeping)
        made.append(here)
        return here

    yield make
    for here in made:
        here.close()


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world with nobody in it: limits off, ``#lobby`` configured."""
    return make_here()


@pytest.fixture
def keeping(make_here: Callable[..., Here]) -> Here:
    """As ``here``, and what is said is kept; no channel is configured."""
    return make_here(keeping=True, channels={"autojoin": ()})
