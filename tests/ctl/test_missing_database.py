"""Commands that need a database, called where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize(
    "words",
    [
        ("db", "copy", "none.db", "new.db"),
        ("db", "copy", "none.db", "postgresql://chat@localhost:1/chat"),
        ("db", "vacuum"),
        ("login-delay", "lift", "alice"),
    ],
)
@pytest.mark.parametrize("directory", ["", "missing/"])
def test_nothing_is_left_behind(run: Run, home: Path, words: tuple[str, ...], directory: str) -> None:
    """Not even a daemon's lock, and the line says that there is no database."""
    before = list(home.iterdir())
    name = f"{directory}none.db"
    result = run("--database", name, *(name if word == "none.db" else word for word in words))
    assert result.exit_code == 1
    assert "none.db: there is no database" in result.stderr
    assert list(home.iterdir()) == before
