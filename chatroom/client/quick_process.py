"""How Python runs the full screen, so that a key is on the screen at once however much comes in."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SWITCH_INTERVAL_S = 0.0005
"""How long one thread computes while another one waits to.

A key passes three threads: one reads it, one paints, one writes. With Python's 5 ms each of them may wait that long.
"""
SETTLED_S = 2.0
"""How many seconds after its begin the screen is there."""


@contextmanager
def quick_process() -> Iterator[Callable[[], None]]:
    """Run the block quickly. It calls what it gets once, when it has begun.

    Until then nothing is searched for garbage: there is none, and the search makes the start a tenth longer. What is
    there by then is left out of all later searches, which would stop the program for 30 ms each.
    """
    interval_s, was_enabled = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.disable()

    def settle() -> None:
        gc.freeze()
        if was_enabled:
            gc.enable()

    try:
        yield settle
    finally:
        sys.setswitchinterval(interval_s)
        gc.unfreeze()
        if was_enabled:
            gc.enable()
