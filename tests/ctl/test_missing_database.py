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


@pytest.mark.parametrize(
    "words",
    [
        ("hook", "add", "#a", "https://example.org/"),
        ("user", "list"),
        ("db", "copy", "empty.db", "new.db"),
        ("db", "status"),
    ],
)
def test_an_empty_file_is_refused_with_a_way_out(run: Run, home: Path, words: tuple[str, ...]) -> None:
    """The commands that the line names fill the file."""
    (home / "empty.db").touch()
    result = run("--database", "empty.db", *words)
    assert result.exit_code == 1
    assert "the file is empty; chatroomctl serve, user create or db migrate fills it" in result.stderr
    assert not (home / "new.db").exists()
    assert run("--database", "empty.db", "db", "migrate").exit_code == 0
    assert run("--database", "empty.db", "user", "list").exit_code == 0
