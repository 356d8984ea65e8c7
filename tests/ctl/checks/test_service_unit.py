from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from harness.checked_setup import CheckedSetup

from chatroom.ctl import service_setup
from chatroom.ctl.checks import ports

Run = Callable[..., Result]


@pytest.fixture
def units(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the user's units. The system has none, and there is no systemctl."""
    monkeypatch.setattr(service_setup, "_SYSTEM_UNITS", home / "system")
    monkeypatch.setenv("PATH", str(home / "bin"))
    return home / ".config" / "systemd" / "user"


def test_the_unit_that_was_installed(setup: CheckedSetup, run: Run, units: Path) -> None:
    """It is what this program would write."""
    assert run("service", "install", "--user").exit_code == 0
    assert setup.find() == {}


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("WatchdogSec=30", "WatchdogSec=99", "it lacks WatchdogSec=30"),
        ("\nExecStart=", "\nExecStart=/old", "it runs /old"),
        ("\nLimitCORE=0\n", "\nLimitCORE=0\nNice=5\n", "it has more than this version writes"),
    ],
)
def test_a_unit_that_is_out_of_date(setup: CheckedSetup, run: Run, units: Path, old: str, new: str, words: str) -> None:
    """Another version, another place of the program or an editor has made it different."""
    assert run("service", "install", "--user").exit_code == 0
    unit = units / "chatroom.service"
    text = unit.read_text()
    assert old in text
    unit.write_text(text.replace(old, new))
    [found] = setup.find()["service"]
    assert words in found and "service install --user" in found


def test_a_unit_of_another_set_up(setup: CheckedSetup, run: Run, units: Path, home: Path) -> None:
    """It names another configuration, so nothing can be said of it; nor of a unit that others have written."""
    other = home / "other.toml"
    other.write_text(f'[database]\npath = "{home}/other.db"\n')
    assert run("--config", other, "service", "install", "--user").exit_code == 0
    unit = units / "chatroom.service"
    unit.write_text(unit.read_text().replace("WatchdogSec=30", "WatchdogSec=99"))
    assert setup.find() == {}
    unit.write_text("[Service]\nExecStart=chatroomctl serve\n")
    assert setup.find() == {}


def test_a_unit_of_the_system(setup: CheckedSetup, run: Run, units: Path, home: Path) -> None:
    """It is compared with one for the user that stands in it."""
    assert run("service", "install", "--system", "--run-as", "irc").exit_code == 0
    assert setup.find() == {}
    unit = home / "system" / "chatroom.service"
    unit.write_text(unit.read_text().replace("PrivateDevices=yes\n", ""))
    assert "it lacks PrivateDevices=yes" in setup.find()["service"][0]


def test_a_socket_unit_with_other_addresses(
    setup: CheckedSetup, run: Run, units: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that is handed an address without a table does not start."""
    monkeypatch.setattr(ports, "bind", lambda listen: socket.socket())
    setup.configure(listen="port = 7001")
    assert run("service", "install", "--user", "--socket").exit_code == 0
    assert setup.find() == {}
    setup.configure(listen="port = 7002")
    [found] = setup.find()["service"]
    assert "opens other addresses" in found and "service install --user --socket" in found
    setup.configure()
    assert "cannot open the addresses" in setup.find()["service"][0]


def test_a_unit_that_systemd_has_not_read(setup: CheckedSetup, run: Run, units: Path, home: Path) -> None:
    """systemd says so when it is asked."""
    assert run("service", "install", "--user").exit_code == 0
    program = home / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {home}/asked\necho yes\n')
    program.chmod(0o755)
    assert "systemctl --user daemon-reload" in setup.find()["service"][0]
    assert (home / "asked").read_text() == "--user show chatroom.service --property=NeedDaemonReload --value\n"
    program.write_text("#!/bin/sh\necho no\n")
    assert setup.find() == {}
