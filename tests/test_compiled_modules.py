"""Modules that a build may compile: what is compiled, and when a daemon uses it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from chatroom import compiled_modules
from chatroom.compiled_modules import INDEX, are_in_use, digest_of, leave_compiled_modules, use_compiled_modules

CHECKOUT = Path(__file__).parents[1]
TARGET = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
HOOK = TARGET["hooks"]["custom"]
UNHEARD, KNOWN = "chatroom.irc.unheard", "chatroom.irc.framing"


@pytest.fixture(autouse=True)
def _finders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put Python's finders back afterwards."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    leave_compiled_modules()


def write_index(folder: Path, files: dict[str, str], digests: dict[str, str], python: str = "") -> None:
    """Write what the build writes beside the shared objects."""
    index = {"python": python or sys.implementation.cache_tag, "files": files, "digests": digests}
    (folder / INDEX).write_text(json.dumps(index))


def test_a_build_that_does_not_ask_for_it_compiles_nothing() -> None:
    """So an installation never fails for want of a compiler."""
    assert HOOK["enable-by-default"] is False
    assert not any("mypy" in name or "setuptools" in name for name in TARGET.get("dependencies", []))


def test_a_compiled_module_says_where_its_log_lines_come_from() -> None:
    """A compiled function has no frame that tells it, and each place has a word of its own."""
    for name in HOOK["modules"]:
        source = CHECKOUT / "chatroom" / f"{name.replace('.', '/')}.py"
        places = []
        for call in ast.walk(ast.parse(source.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "log_line":
                places += [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "at"] or [""]
        assert all(place.startswith("(__name__, ") for place in places), source
        assert len(set(places)) == len(places), source


def test_a_compiled_module_imports_all_others_at_its_top() -> None:
    """A node of a cluster may have imported some before it went back to the sources, and they call each other."""
    for name in HOOK["modules"]:
        tree = ast.parse((CHECKOUT / "chatroom" / f"{name.replace('.', '/')}.py").read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        late = [node.module for call in functions for node in ast.walk(call) if isinstance(node, ast.ImportFrom)]
        assert not {f"chatroom.{other}" for other in HOOK["modules"]}.intersection(late), name


def test_a_compiled_class_knows_of_subclasses_that_are_not_compiled() -> None:
    """Else compiled code takes their objects for those of another class. A node of a cluster runs on the sources."""
    kinds: dict[str, tuple[str, set[str]]] = {}
    told: set[str] = set()
    for path in sorted((CHECKOUT / "chatroom").rglob("*.py")):
        module = ".".join(path.relative_to(CHECKOUT / "chatroom").with_suffix("").parts)
        if ".cluster." in module:
            continue
        for kind in ast.parse(path.read_text()).body:
            if isinstance(kind, ast.ClassDef):
                kinds[kind.name] = module, {ast.unparse(base) for base in kind.bases}
                if any("allow_interpreted_subclasses=True" in ast.unparse(mark) for mark in kind.decorator_list):
                    told.add(kind.name)
    compiled = {name for name, (module, _) in kinds.items() if module in HOOK["modules"]}
    bases = {base for name, (_, bases) in kinds.items() if name not in compiled for base in bases}
    assert compiled & bases == told


def test_without_a_compiler_one_line_says_what_to_install(tmp_path: Path) -> None:
    """It comes before anything is compiled or removed."""
    done = subprocess.run(
        [sys.executable, CHECKOUT / "hatch_build.py", tmp_path / "made"],
        env={**os.environ, "CC": "no-such-compiler -O2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("chatroom: cannot compile, there is no no-such-compiler. Install a C compiler")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_without_compiled_modules_the_sources_are_used(tmp_path: Path) -> None:
    """As in every installation that was not asked to compile."""
    assert not use_compiled_modules(tmp_path)
    assert not are_in_use()


def test_the_compiled_form_is_found_until_it_is_left(tmp_path: Path) -> None:
    """By the module's name."""
    write_index(tmp_path, {UNHEARD: "unheard.so"}, {KNOWN: digest_of(KNOWN)})
    assert use_compiled_modules(tmp_path)
    assert are_in_use()
    spec = find_spec(UNHEARD)
    assert spec is not None
    assert spec.origin == str(tmp_path / "unheard.so")
    leave_compiled_modules()
    assert not are_in_use()
    assert find_spec(UNHEARD) is None


@pytest.mark.parametrize(
    "files, digests, python",
    [
        ({UNHEARD: "unheard.so"}, {KNOWN: "that of an older source"}, ""),
        ({UNHEARD: "unheard.so"}, {}, "cpython-27"),
        ({compiled_modules.__name__: "early.so"}, {}, ""),
    ],
    ids=["changed since", "for another Python", "imported already"],
)
def test_what_does_not_fit_is_not_used(
    tmp_path: Path, files: dict[str, str], digests: dict[str, str], python: str
) -> None:
    """All modules are taken from their sources then."""
    write_index(tmp_path, files, digests, python)
    assert not use_compiled_modules(tmp_path)
    assert not are_in_use()
