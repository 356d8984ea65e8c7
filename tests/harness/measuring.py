"""When coverage is measured: not while it costs much and finds little."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

import coverage


@contextmanager
def paused() -> Iterator[list[coverage.Coverage]]:
    """Measure nothing in the block. Gives what is paused, in the order of its pausing."""
    stopped = []
    # A worker of pytest-xdist has two of these, one inside of the other: stopping the inner one resumes the outer.
    # That is why the ``no_cover`` marker of pytest-cov has no effect there.
    while (measurement := coverage.Coverage.current()) is not None:
        measurement.stop()
        stopped.append(measurement)
    try:
        yield stopped
    finally:
        for measurement in reversed(stopped):
            measurement.start()


@contextmanager
def imports_alone() -> Iterator[None]:
    """Measure in the block only what modules of chatroom do while they are imported."""
    with paused() as stopped:
        if not stopped:
            yield
            return
        finder = _MeasuredImports(stopped)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)


class _MeasuredImports(MetaPathFinder):
    """Finds the modules of chatroom as Python does, and measures while one runs."""

    def __init__(self, stopped: list[coverage.Coverage]) -> None:
        self._stopped = stopped
        self._depth = 0
        """How many modules are being imported, each by the one before."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "chatroom":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            # Of this loader alone: each module has its own.
            loader: Any = spec.loader
            run = loader.exec_module
            loader.exec_module = lambda module: self._run(run, module)
        return spec

    def _run(self, run: Any, module: ModuleType) -> None:
        self._depth += 1
        if self._depth == 1:
            for measurement in reversed(self._stopped):
                measurement.start()
        try:
            run(module)
        finally:
            self._depth -= 1
            if self._depth == 0:
                for measurement in self._stopped:
                    measurement.stop()
