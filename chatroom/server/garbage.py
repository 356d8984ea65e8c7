"""Python's search for garbage, kept short.

Python now and then looks through all objects for circles that nobody refers to. With 5,000 users that takes a tenth of
a second, in which nobody is answered, and it comes the more often, the more connections come and go. The daemon makes
no circles: what ends is freed at once (``tests/server/test_garbage.py``). So an object that has survived one full
search is left out of all others.

A tick in which many users come and go makes thousands of objects that end with it. To search them in the middle of the
tick finds nothing and takes a hundredth of its time, so a search comes after more new objects than with Python alone.
"""

from __future__ import annotations

import gc

_FULL = 2
"""The generation of a full search."""
_NEW_OBJECTS = 5_000
"""After so many new objects they are searched, which takes half a millisecond."""
_SEARCHES = 5
"""After so many searches the objects of all of them are searched once more: with too many, that would take long."""
_BEFORE = gc.get_threshold()


def search_once() -> None:
    """Search each object only until it has survived a full search, and seldom, in the whole process. Idempotent."""
    if _leave_out not in gc.callbacks:
        gc.callbacks.append(_leave_out)
        gc.set_threshold(_NEW_OBJECTS, _SEARCHES)


def search_again() -> None:
    """Search all objects again, and as often as Python does by itself. Idempotent."""
    if _leave_out in gc.callbacks:
        gc.callbacks.remove(_leave_out)
        gc.set_threshold(*_BEFORE)
        gc.unfreeze()


def _leave_out(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == _FULL:
        gc.freeze()
