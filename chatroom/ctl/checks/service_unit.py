"""The systemd unit: whether it is the one that this program and this set-up need."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.service_setup import SERVICE, SOCKET, Manager, is_ours, list_addresses, make_setup
from chatroom.ctl.systemd_units import Setup, quote_word, socket_unit, system_unit, user_unit
from chatroom.errors import Refused
from chatroom.findings import Finding

_PATIENCE_S = 5.0
"""How long systemd may take to say whether it has read a unit."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with the units of this set-up. One of another set-up, or of another author, is left alone."""
    for manager in (Manager(of_user=False), Manager(of_user=True)):
        unit = manager.directory / SERVICE
        if not is_ours(unit):
            continue
        text = unit.read_text(encoding="utf-8", errors="replace")
        setup = make_setup(scene.invocation, _value(text, "User") or "chatroom")
        # The unit is of this set-up if it names the same configuration and database.
        if not _value(text, "ExecStart").endswith(f"{_options(setup)} serve"):
            continue
        written = user_unit(setup) if manager.of_user else system_unit(setup)
        yield from _compare(manager, unit, text, written)
        yield from _look_at_sockets(manager, scene)
        yield from _ask_systemd(manager)


def _compare(manager: Manager, unit: Path, text: str, written: str) -> Iterator[Finding]:
    if text == written:
        return
    before, now = _value(text, "ExecStart"), _value(written, "ExecStart")
    if before != now:
        what = f"it runs {before}, and this program is {now}"
    else:
        lines = [one for one in written.splitlines() if one not in text.splitlines()]
        what = f"it lacks {lines[0]}" if lines else "it has more than this version writes"
    yield Finding(f"{unit} is out of date: {what}", _install(manager))


def _look_at_sockets(manager: Manager, scene: Scene) -> Iterator[Finding]:
    unit = manager.directory / SOCKET
    if not is_ours(unit):
        return
    try:
        written = socket_unit(list_addresses(scene.settings))
    except Refused as error:
        yield Finding(f"{unit} cannot open the addresses of the configuration", str(error))
        return
    if unit.read_text(encoding="utf-8", errors="replace") != written:
        yield Finding(
            f"{unit} opens other addresses than the configuration has, so the daemon does not start",
            _install(manager),
        )


def _ask_systemd(manager: Manager) -> Iterator[Finding]:
    program = shutil.which("systemctl")
    if program is None:
        return
    call = [program, *manager.call("show", SERVICE, "--property=NeedDaemonReload", "--value")[1:]]
    try:
        done = subprocess.run(  # noqa: S603 - systemctl, with constant words
            call, capture_output=True, text=True, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):  # a machine whose first process is another one
        return
    if done.stdout.strip() == "yes":
        yield Finding(
            f"systemd has not read {SERVICE} since it was changed", f"run: {' '.join(manager.call('daemon-reload'))}"
        )


def _install(manager: Manager) -> str:
    options = "--user" if manager.of_user else "--system"
    if (manager.directory / SOCKET).exists():
        options += " --socket"
    return f'run "chatroomctl service install {options}" with the same global options, and restart the service'


def _options(setup: Setup) -> str:
    """Return what follows the program in ExecStart: its global options, with a space before each."""
    words = setup.program[1:] if setup.program[1:2] != ("-m",) else setup.program[3:]
    return "".join(f" {quote_word(word)}" for word in words)


def _value(text: str, key: str) -> str:
    """Return the value of a key in a unit; empty if it is not there."""
    return next((line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")), "")
