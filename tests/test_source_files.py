"""What holds for every source file: its length, and that its name says which one it is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
MOST_LINES = 400
_EVERYWHERE = {"__init__", "__main__", "main"}


def test_no_file_is_long() -> None:
    """A file of more than 400 lines is about more than one thing."""
    files = [path for folder in ("chatroom", "tests", "bench") for path in (CHECKOUT / folder).rglob("*.py")]
    lines = {str(path.relative_to(CHECKOUT)): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_two_modules_share_a_name() -> None:
    """A traceback or a search that names ``outbox.py`` means one file."""
    found = defaultdict(list)
    for path in (CHECKOUT / "chatroom").rglob("*.py"):
        if path.stem not in _EVERYWHERE:
            found[path.stem].append(str(path.relative_to(CHECKOUT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
