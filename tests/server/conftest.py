"""What daemons that run in the tests' process leave behind."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def process_state() -> Iterator[None]:
    """Restore what a daemon changes of its process: signal handlers, switch interval, frozen objects."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)
    signals = {number: signal.getsignal(number) for number in numbers}
    interval_s = sys.getswitchinterval()
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in signals.items():
        signal.signal(number, handler)
    sys.setswitchinterval(interval_s)
    gc.unfreeze()
