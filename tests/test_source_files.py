"""What holds for every source file: its length, and that its name says which one it is."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
FILES = [path for folder in ("chatroom", "tests", "bench") for path in (CHECKOUT / folder).rglob("*.py")]
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
_EVERYWHERE = {"__init__", "__main__", "main"}


def test_no_file_is_long() -> None:
    """A file of more than 400 lines is about more than one thing."""
    lines = {str(path.relative_to(CHECKOUT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.unmeasured
def test_no_function_is_long() -> None:
    """A function fits on a screen, its docstring included."""
    long = {}
    for path in FILES:
        for node in functions_in(ast.parse(path.read_text())):
            assert node.end_lineno is not None
            count = node.end_lineno - node.lineno + 1
            if count > MOST_LINES_OF_A_FUNCTION:
                long[f"{path.relative_to(CHECKOUT)}:{node.lineno} {node.name}"] = count
    assert long == {}


def functions_in(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions, also those in others. Only statements have some, so it looks into no expression."""
    for block in ("body", "orelse", "handlers", "finalbody", "cases"):
        for child in getattr(node, block, ()):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield child
            yield from functions_in(child)


def test_every_function_is_found() -> None:
    """In a class, in another function, and in each block that a statement may have."""
    text = """
class A:
    async def a(): pass
if 1:
    def b():
        def c(): pass
else:
    def d(): pass
try:
    def e(): pass
except OSError:
    def f(): pass
else:
    def g(): pass
finally:
    def h(): pass
match 1:
    case 2:
        with open("x"):
            def i(): pass
while 1:
    def j(): pass
for _ in ():
    def k(): pass
"""
    assert sorted(function.name for function in functions_in(ast.parse(text))) == list("abcdefghijk")


def test_no_two_modules_share_a_name() -> None:
    """A traceback or a search that names ``outbox.py`` means one file."""
    found = defaultdict(list)
    for path in (CHECKOUT / "chatroom").rglob("*.py"):
        if path.stem not in _EVERYWHERE:
            found[path.stem].append(str(path.relative_to(CHECKOUT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
