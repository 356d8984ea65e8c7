"""What holds for every source file: its length, and that its name says which one it is."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
FILES = [path for folder in ("chatroom", "tests", "bench") for path in (CHECKOUT / folder).rglob("*.py")]
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
_EVERYWHERE = {"__init__", "__main__", "main"}


def test_no_file_is_long() -> None:
    """A file of more than 400 lines is about more than one thing."""
    lines = {str(path.relative_to(CHECKOUT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_function_is_long() -> None:
    """A function fits on a screen, its docstring included."""
    long = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                count = node.end_lineno - node.lineno + 1
                if count > MOST_LINES_OF_A_FUNCTION:
                    long[f"{path.relative_to(CHECKOUT)}:{node.lineno} {node.name}"] = count
    assert long == {}


def test_no_two_modules_share_a_name() -> None:
    """A traceback or a search that names ``outbox.py`` means one file."""
    found = defaultdict(list)
    for path in (CHECKOUT / "chatroom").rglob("*.py"):
        if path.stem not in _EVERYWHERE:
            found[path.stem].append(str(path.relative_to(CHECKOUT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
