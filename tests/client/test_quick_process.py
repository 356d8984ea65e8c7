"""How Python runs the full screen."""

from __future__ import annotations

import gc
import sys

from chatroom.client.quick_process import SWITCH_INTERVAL_S, quick_process


def test_the_process_is_quick_while_the_screen_is_there() -> None:
    """Threads take turns often; garbage is searched for once the start is over, and not among what is there by then."""
    interval_s = sys.getswitchinterval()
    frozen = gc.get_freeze_count()
    with quick_process() as settle:
        assert abs(sys.getswitchinterval() - SWITCH_INTERVAL_S) < 1e-6
        assert not gc.isenabled()
        settle()
        assert gc.isenabled() and gc.get_freeze_count() > frozen
    assert sys.getswitchinterval() == interval_s
    assert gc.isenabled() and gc.get_freeze_count() == 0


def test_a_start_that_fails_leaves_nothing_behind() -> None:
    """The search for garbage goes on."""
    try:
        with quick_process():
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert gc.isenabled()
