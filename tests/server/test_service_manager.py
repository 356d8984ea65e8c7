from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from harness.service_manager import NotifySocket

from chatroom.server.service_manager import ServiceManager
from chatroom.server.supervisor import LOOK_EVERY_S, STUCK_S, Supervisor


class Ticking:
    """An I/O thread, as far as the supervisor sees it."""

    name = "io-0"
    ident = threading.get_ident()

    def __init__(self) -> None:
        self.tick_began_s = 0.0

    def is_alive(self) -> bool:
        """True: none of these tests has it die."""
        return True


@pytest.fixture
def notify(tmp_path: Path) -> Iterator[NotifySocket]:
    """The socket of a service manager."""
    with NotifySocket(str(tmp_path / "notify")) as made:
        yield made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the test: one number that it sets."""
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    return now_s


def test_the_variables_are_read_and_removed() -> None:
    """A program that the daemon starts must not speak for it."""
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "600000", "WATCHDOG_PID": str(os.getpid()), "A": "b"}
    manager = ServiceManager.take(environ)
    assert environ == {"A": "b"}
    assert manager.look_every_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    "variables, only_sees_process",
    [
        ({"SYSTEMD_EXEC_PID": str(os.getpid())}, True),
        ({"SYSTEMD_EXEC_PID": str(os.getpid()), "NOTIFY_SOCKET": "/run/notify"}, False),
        ({"SYSTEMD_EXEC_PID": str(os.getppid())}, False),
        ({}, False),
    ],
)
def test_systemd_without_messages_only_sees_the_process(variables: dict[str, str], only_sees_process: bool) -> None:
    """A unit of Type=simple ends with the process that it has started. A shell in a service passes its variable on."""
    assert ServiceManager.take(variables).only_sees_process is only_sees_process
    assert "SYSTEMD_EXEC_PID" not in variables


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "600000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "much"}, {"WATCHDOG_USEC": "60000000"}],
)
def test_a_look_is_never_rarer_than_without_a_watchdog(variables: dict[str, str]) -> None:
    """Nor more frequent, if the watchdog is another process's, has no interval that is a number, or a long one."""
    assert ServiceManager.take(dict(variables)).look_every_s == LOOK_EVERY_S


def test_an_address_of_another_kind_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The daemon serves all the same."""
    with caplog.at_level(logging.WARNING):
        ServiceManager.take({"NOTIFY_SOCKET": "vsock:2:1234"}).ready("up")
    assert caplog.messages == ["NOTIFY_SOCKET is neither a path nor an abstract name: vsock:2:1234"]


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    """A message that nobody can take is dropped."""
    ServiceManager(str(tmp_path / "none"), 1.0).ready("up")


@pytest.mark.parametrize("is_abstract", [False, True])
def test_each_step_of_a_life_is_reported(tmp_path: Path, is_abstract: bool) -> None:
    """A reload has the moment on the clock that the manager knows, and the status is one line."""
    with NotifySocket(f"@chatroom-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")) as notify:
        manager = ServiceManager(notify.address)
        manager.reloading()
        manager.reloaded()
        manager.ready("listening\non 127.0.0.1:6667")
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        manager.reloading()
        after_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        manager.reloaded()
        manager.stopping("SIGTERM")
        manager.reloaded()
        ready, reloading, reloaded, stopping = notify.drain()
    assert ready == {"READY": "1", "STATUS": "listening on 127.0.0.1:6667"}
    assert before_us <= int(reloading.pop("MONOTONIC_USEC")) <= after_us
    assert reloading == {"RELOADING": "1", "STATUS": "reading the configuration again"}
    assert reloaded == ready
    assert stopping == {"STOPPING": "1", "STATUS": "stopping (SIGTERM)"}


def test_the_watchdog_is_fed_in_time_and_not_more_often(notify: NotifySocket, clock: list[float]) -> None:
    """Looks are made every second: of an interval of 30 s, the watchdog is fed several times, from ready on."""
    manager, supervisor = ServiceManager(notify.address, 30.0), Supervisor([Ticking()], [], pytest.fail)
    manager.look(supervisor)
    assert notify.drain() == []
    manager.ready("up")
    fed_at = []
    for _ in range(60):
        clock[0] += 1.0
        manager.look(supervisor)
        if {"WATCHDOG": "1"} in notify.drain():
            fed_at.append(clock[0])
    gaps = [later - earlier for earlier, later in pairwise(fed_at)]
    assert fed_at[0] == 1001.0
    assert set(gaps) == {10.0}


def test_a_hung_tick_is_reported_and_ends_the_feeding(notify: NotifySocket, clock: list[float]) -> None:
    """It begins again when the tick has ended."""
    thread = Ticking()
    manager, supervisor = ServiceManager(notify.address, 30.0), Supervisor([thread], [], pytest.fail)
    manager.ready("up")
    notify.drain()
    thread.tick_began_s = clock[0]
    clock[0] += STUCK_S
    manager.look(supervisor)
    clock[0] += 25.0
    manager.look(supervisor)
    assert notify.drain() == [{"STATUS": f"io-0 has been in one tick for {s} s"} for s in (5, 30)]
    thread.tick_began_s = 0.0
    manager.look(supervisor)
    assert notify.drain() == [{"STATUS": "up"}, {"WATCHDOG": "1"}]


def test_a_short_interval_knows_no_long_tick(notify: NotifySocket, clock: list[float]) -> None:
    """A tick that has taken half of the interval is not vouched for."""
    thread = Ticking()
    manager, supervisor = ServiceManager(notify.address, 2.0), Supervisor([thread], [], pytest.fail)
    manager.ready("up")
    notify.drain()
    thread.tick_began_s = clock[0]
    clock[0] += 0.9
    manager.look(supervisor)
    assert notify.drain() == [{"WATCHDOG": "1"}]
    clock[0] += 0.2
    manager.look(supervisor)
    assert notify.drain() == [{"STATUS": "io-0 has been in one tick for 1 s"}]


def test_without_a_watchdog_only_troubles_are_told(notify: NotifySocket, clock: list[float]) -> None:
    """The unit has no ``WatchdogSec``."""
    thread = Ticking()
    manager, supervisor = ServiceManager(notify.address), Supervisor([thread], [], pytest.fail)
    manager.ready("up")
    thread.tick_began_s = clock[0]
    for wait_s in (1.0, STUCK_S):
        clock[0] += wait_s
        manager.look(supervisor)
    assert notify.drain()[1:] == [{"STATUS": "io-0 has been in one tick for 6 s"}]
