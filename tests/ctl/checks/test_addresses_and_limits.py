from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator

import pytest
from harness.checked_setup import CheckedSetup

from chatroom.ctl.checks import open_file_limit, ports
from chatroom.errors import AddressUnusable


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_another_program_has(setup: CheckedSetup, taken: int) -> None:
    """The finding names the program and its process."""
    setup.configure(listen=f"port = {taken}")
    [found] = setup.find()["addresses"]
    assert f"127.0.0.1 port {taken}" in found and f"(process {os.getpid()}) listens there" in found


def test_a_port_whose_holder_cannot_be_seen(setup: CheckedSetup, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out is the command with which root sees it."""
    monkeypatch.setattr(ports, "find_holder", lambda port: None)
    setup.configure(listen=f"port = {taken}")
    [found] = setup.find()["addresses"]
    assert "another program listens there" in found and f"ss -ltnp sport = :{taken}" in found


def test_the_ports_that_our_daemon_has(setup: CheckedSetup, taken: int) -> None:
    """It says so itself, and its process is known where its words differ."""
    setup.configure(f'[metrics]\nlisten = "localhost:{taken}"', listen=f"port = {taken + 1}")
    setup.serve(listening=f"127.0.0.1:{taken + 1} (TLS), [::1]:1", pid=str(os.getpid()))
    assert setup.find() == {}


def test_the_address_of_metrics(setup: CheckedSetup, taken: int) -> None:
    """It is looked at like those of the chat."""
    setup.configure(f'[metrics]\nlisten = "127.0.0.1:{taken}"')
    assert f"metrics.listen 127.0.0.1 port {taken}" in setup.find()["addresses"][0]


def test_an_address_of_another_machine(setup: CheckedSetup) -> None:
    """The way out lists those of this one."""
    setup.configure(listen='host = "192.0.2.1"\nport = 7007\nproxy_protocol_from = ["192.0.2.2"]')
    [found] = setup.find()["addresses"]
    assert "no such address" in found and "ip address" in found


def test_a_name_that_is_not_known(setup: CheckedSetup) -> None:
    """The error of the look-up is the problem."""
    setup.configure(listen='host = "nowhere.invalid"\nport = 7007\nproxy_protocol_from = ["192.0.2.2"]')
    assert "nowhere.invalid port 7007" in setup.find()["addresses"][0]


def test_a_port_below_1024_without_the_right_to_it(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd can open it."""

    def refuse(*_: object) -> None:
        raise AddressUnusable("no") from PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports, "bind", refuse)
    setup.configure(listen="port = 194")
    assert "service install --socket" in setup.find()["addresses"][0]


def test_a_port_that_systemd_holds_for_the_daemon(
    setup: CheckedSetup, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a socket unit that is no finding, and without one it is."""
    monkeypatch.setattr(ports, "find_holder", lambda port: (1, "systemd"))
    setup.configure(listen=f"port = {taken}")
    assert "systemd (process 1) listens there" in setup.find()["addresses"][0]
    unit = setup.home / ".config" / "systemd" / "user" / "chatroom.socket"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert "addresses" not in setup.find()


def test_a_free_port_is_left_free(setup: CheckedSetup, taken: int) -> None:
    """What the check takes to look at it is given back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    setup.configure(listen=f"port = {port}")
    assert setup.find() == {}
    socket.create_server(("127.0.0.1", port)).close()


def test_the_limit_of_open_files(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections that the configuration wants must fit, or else a usual number."""
    monkeypatch.setattr(open_file_limit, "read_limit", lambda pid: 1000)
    assert "can have 936 connections" in setup.find()["open files"][0]
    setup.configure("[limits]\nconnections = 900")
    assert setup.find() == {}
    setup.configure("[limits]\nconnections = 2000")
    [found] = setup.find()["open files"]
    assert "limits.connections is 2000" in found and "raise the limit to 2064" in found
    monkeypatch.setattr(open_file_limit, "read_limit", lambda pid: None)
    assert setup.find() == {}


def test_the_limit_is_that_of_the_daemon() -> None:
    """It is read from the process that runs, or else it is what a daemon would inherit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    expected = None if hard == resource.RLIM_INFINITY else hard
    assert open_file_limit.read_limit(os.getpid()) == expected
    assert open_file_limit.read_limit(None) == expected
    assert open_file_limit.read_limit(2**22 + 1) is None  # more than there are process ids
