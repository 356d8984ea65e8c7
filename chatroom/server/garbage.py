"""Python's search for garbage, kept short.

Python now and then looks through all objects for circles that nobody refers to. With 5,000 users that takes a tenth of
a second, in which nobody is answered, and it comes the more often, the more connections come and go. The daemon makes
no circles: what ends is freed at once (``tests/server/test_garbage.py``). So an object that has survived one full
search is left out of all others.
"""

from __future__ import annotations

import gc

_FULL = 2
"""The generation of a full search."""


def search_once() -> None:
    """Search each object only until it has survived a full search, in the whole process. Idempotent."""
    if _leave_out not in gc.callbacks:
        gc.callbacks.append(_leave_out)


def search_again() -> None:
    """Search all objects again. Idempotent."""
    if _leave_out in gc.callbacks:
        gc.callbacks.remove(_leave_out)
        gc.unfreeze()


def _leave_out(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == _FULL:
        gc.freeze()
