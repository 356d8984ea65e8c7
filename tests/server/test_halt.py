"""Threads that stand still for another one, and a turnstile that keeps them out."""

from __future__ import annotations

import threading

from harness.daemon import CAP_S

from chatroom.server.halt import Halt
from chatroom.server.turnstile import Turnstile


def test_threads_stand_still_until_they_are_released() -> None:
    """All of them arrive, none goes on before, and each hears if it goes on or ends."""
    for goes_on in (True, False):
        halt = Halt(2)
        heard: list[bool] = []

        def stand(halt: Halt = halt, heard: list[bool] = heard) -> None:
            heard.append(halt.stand_still())

        threads = [threading.Thread(target=stand) for _ in range(2)]
        threads[0].start()
        assert not halt.wait(0.01)
        threads[1].start()
        assert halt.wait(CAP_S)
        assert not heard
        halt.release(goes_on=goes_on)
        for thread in threads:
            thread.join(CAP_S)
        assert heard == [goes_on, goes_on]


def test_nobody_passes_a_closed_turnstile() -> None:
    """It closes when those inside have come out, and those who come then wait until it is open."""
    turnstile, inside, leave = Turnstile(), threading.Event(), threading.Event()
    order: list[str] = []

    def work() -> None:
        with turnstile:
            inside.set()
            leave.wait(CAP_S)
            order.append("out")

    first = threading.Thread(target=work)
    first.start()
    assert inside.wait(CAP_S)
    assert not turnstile.close(0.01)  # it is open again then
    with turnstile:
        leave.set()
    assert turnstile.close(CAP_S)
    assert not turnstile.try_to_enter()
    order.append("closed")
    second = threading.Thread(target=work)
    second.start()
    order.append("opened")
    turnstile.open()
    for thread in (first, second):
        thread.join(CAP_S)
    assert order == ["out", "closed", "opened", "out"]
    assert turnstile.try_to_enter()
    assert not turnstile.close(0.01)
    turnstile.leave()
    assert turnstile.close(CAP_S)
