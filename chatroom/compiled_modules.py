"""The compiled form of some modules, which a daemon uses if it was built.

A build may put shared objects that mypyc has made of modules into the folder ``_compiled`` (``hatch_build.py``). They
are not beside the sources, where Python would always prefer them: only ``chatroomctl serve`` asks for them, and all
other programs, and the tests, run the sources. Compiled modules call each other without a look at ``sys.modules``, so
either all of them are used or none.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE / "_compiled"
INDEX = "index.json"
"""The file in ``FOLDER`` with the name of each shared object, by module, and the digest of each module's source."""

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr as mypyc_attr
else:

    def mypyc_attr(**_):
        """Stand for mypyc's decorator of this name, which tells the compiler of a class and does nothing else."""
        return lambda kind: kind


class _Finder(MetaPathFinder):
    """Finds the shared objects by the names of their modules."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, or None if it has no compiled form."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def use_compiled_modules(folder: Path = FOLDER) -> bool:
    """Import the compiled form of the modules that have one, from now on. Return True if there are any.

    There are none if a source was changed since, if they were made for another Python, or if one of these modules is
    imported already.
    """
    try:
        index = json.loads((folder / INDEX).read_bytes())
    except FileNotFoundError:
        return False
    files = {name: str(folder / file) for name, file in index["files"].items()}
    if index["python"] != sys.implementation.cache_tag or files.keys() & sys.modules.keys():
        return False
    if any(digest_of(name) != digest for name, digest in index["digests"].items()):
        return False
    sys.meta_path.insert(0, _Finder(files))
    return True


def leave_compiled_modules() -> None:
    """Import the sources of modules again, from now on."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


def are_in_use() -> bool:
    """True if compiled modules are imported."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def digest_of(module: str) -> str:
    """Return the digest of a module's source."""
    return hashlib.sha256(_source_of(module).read_bytes()).hexdigest()


def docstring_of(module: str, function: str) -> str:
    """Return the docstring of a function of a module, from its source: compiled functions have none."""
    return _docstrings(module).get(function, "")


@cache
def _docstrings(module: str) -> dict[str, str]:
    import ast  # only if there is a compiled function

    tree = ast.parse(_source_of(module).read_bytes())
    return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}


def _source_of(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
