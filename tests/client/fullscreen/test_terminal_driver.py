"""The driver of a terminal that goes away: its writer fails, as it does at a closed terminal."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any
from unittest.mock import Mock

import pytest
from textual.drivers._writer_thread import WriterThread

from chatroom.client.fullscreen.terminal_driver import TerminalDriver


def make_driver() -> TerminalDriver:
    """Make a driver inside of a loop, with no signal handlers left behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}

    async def make() -> TerminalDriver:
        return TerminalDriver(Mock())

    driver = asyncio.run(make())
    for number, handler in before.items():
        signal.signal(number, handler)
    return driver


def test_nothing_waits_for_a_writer_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """More is written than there is room for: the program goes on, and can close."""
    # The writer's error is what is tested.
    monkeypatch.setattr("threading.excepthook", lambda about: None)
    file: Any = Mock()
    file.write.side_effect = OSError(5, "Input/output error")
    driver = make_driver()
    driver.write("before the start")
    driver._writer_thread = WriterThread(file)
    driver._writer_thread.start()
    for _ in range(100):
        driver.write("x")
    driver.close()
    assert not driver._writer_thread.is_alive()


def test_a_driver_knows_if_its_terminal_is_gone() -> None:
    """What was never a terminal is not gone."""
    driver: Any = make_driver()
    far, near = os.openpty()
    driver.fileno, driver.input_tty = near, True
    assert not driver.is_gone
    os.close(far)
    assert driver.is_gone
    driver.input_tty = False
    assert not driver.is_gone
    os.close(near)


def test_who_was_stopped_from_outside_gives_the_terminal_back_first() -> None:
    """After Ctrl-Z it was given back before."""
    driver: Any = make_driver()
    done: list[str] = []
    driver.suspend_application_mode = lambda: done.append("give back")
    driver.resume_application_mode = lambda: done.append("take")
    driver._loop = Mock(call_soon_threadsafe=lambda call: call())
    driver._sigcont_application(signal.SIGCONT, None)
    assert done == ["give back", "take"]
    driver._must_signal_resume = True
    driver._sigcont_application(signal.SIGCONT, None)
    assert done == ["give back", "take", "take"]
