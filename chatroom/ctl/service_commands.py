"""``chatroomctl service``: write the systemd unit that runs this installation of chatroom, and remove it."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from chatroom import paths
from chatroom.config import Settings
from chatroom.config.load import FLAG_NAMES
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import confirm, report_result, result_option, yes_option
from chatroom.ctl.subcommands import Subcommands
from chatroom.ctl.systemd_units import MARK, STATE, Setup, socket_unit, system_unit, user_unit
from chatroom.errors import NotFound, Refused
from chatroom.new_file import new_file

_SYSTEM_UNITS = Path("/etc/systemd/system")
_SERVICE, _SOCKET = "chatroom.service", "chatroom.socket"
_STDERR = 2
_UNSAFE_IN_PROGRAM = "\"'\\"
"""Characters that systemd accepts in no program's path, however they are quoted."""


@dataclass(frozen=True, slots=True)
class _Manager:
    """One of systemd's two managers: of the system, or of this user."""

    of_user: bool

    @property
    def directory(self) -> Path:
        """The directory of its units."""
        if not self.of_user:
            return _SYSTEM_UNITS
        given = os.environ.get("XDG_CONFIG_HOME", "")
        home = Path(given) if os.path.isabs(given) else paths.expand(Path("~/.config"))
        return home / "systemd" / "user"

    def call(self, *words: str) -> list[str]:
        """Return the call of ``systemctl``."""
        return ["systemctl", *(["--user"] if self.of_user else []), *words]

    def run(self, *words: str) -> None:
        """Run ``systemctl``. Raises ``Refused`` if it is missing or fails."""
        program = shutil.which("systemctl")
        shown = shlex.join(self.call(*words))
        if program is None:
            raise Refused(f"there is no systemctl on this machine to run: {shown}")
        done = subprocess.run([program, *self.call(*words)[1:]], stdin=subprocess.DEVNULL, stdout=_STDERR)  # noqa: S603
        if done.returncode:
            raise Refused(f"{shown} failed with the exit code {done.returncode}")


def _manager_options(command: click.decorators.FC) -> click.decorators.FC:
    option = click.option(
        "--user/--system",
        "of_user",
        default=None,
        help="A service of your own, or of the system; as root the latter if not given. Example: --user",
    )
    return option(command)


def _choose_manager(of_user: bool | None) -> _Manager:
    return _Manager(os.getuid() != 0 if of_user is None else of_user)


@click.group(cls=Subcommands)
def service() -> None:
    """Have systemd run the server.

    \b
    Examples:
      chatroomctl service install --user
      chatroomctl --config /etc/chatroom/chatroom.toml service install --system
    """


@service.command("install")
@_manager_options
@click.option("--socket", "with_socket", is_flag=True, help="Have systemd open the addresses too. Example: --socket")
@click.option(
    "--run-as",
    metavar="USER",
    default="chatroom",
    show_default=True,
    help="The user of a system service. Example: --run-as irc",
)
@click.option("--start", is_flag=True, help="Start it now, and at each boot or login. Example: --start")
@click.option("--dry-run", is_flag=True, help="Print the units, and write nothing. Example: --dry-run")
@yes_option
@result_option("files", "started", "todo")
@pass_invocation
def install(
    invocation: Invocation,
    of_user: bool | None,
    with_socket: bool,
    run_as: str,
    start: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Write a systemd unit for this program, its configuration and its database.

    It starts nothing without --start, and says what is left to do. With --socket, clients that connect while the server
    restarts wait instead of being refused, and ports below 1024 can be used.

    \b
    Examples:
      chatroomctl service install --user --start
      chatroomctl service install --dry-run
    """
    manager, settings = _choose_manager(of_user), invocation.settings
    if not manager.of_user:
        _check_for_system(invocation)
    setup = _make_setup(invocation, run_as)
    units = {manager.directory / _SERVICE: user_unit(setup) if manager.of_user else system_unit(setup)}
    if with_socket:
        units[manager.directory / _SOCKET] = socket_unit(_addresses(settings))
    if dry_run:
        for file, text in units.items():
            click.echo(f"# {file}\n{text}")
        return
    _write_units(units, yes)
    names = [file.name for file in reversed(units)]  # the socket first, or the daemon would open the address itself
    if start:
        manager.run("daemon-reload")
        manager.run("enable", "--now", *names)
    todo = _list_todo(manager, setup, [] if start else names)
    lines = [f"Wrote {file}." for file in units]
    lines += [f"Started {_SERVICE}."] if start else []
    lines += ["What to do next:", *(f"  {line}" for line in todo)]
    report_result(*lines, files=list(units), started=start, todo=todo)


@service.command("uninstall")
@_manager_options
@click.option("--stop", is_flag=True, help="Stop the server first. Example: --stop")
@yes_option
@result_option("files", "stopped", "todo")
def uninstall(of_user: bool | None, stop: bool, yes: bool) -> None:
    """Remove the units that "service install" has written.

    The database and the configuration stay. A running server goes on without --stop.

    \b
    Example:
      chatroomctl service uninstall --user --stop
    """
    manager = _choose_manager(of_user)
    files = [file for file in (manager.directory / _SERVICE, manager.directory / _SOCKET) if os.path.lexists(file)]
    if not files:
        raise NotFound(f"there is no {_SERVICE} in {manager.directory}")
    shown = " and ".join(map(str, files))
    foreign = "" if all(map(_is_ours, files)) else " Not all of it was written by chatroomctl service install."
    confirm(f"Remove {shown}?{foreign}", yes)
    if stop:
        manager.run("disable", "--now", *(file.name for file in files))
    for file in files:
        file.unlink()
        # Those of "systemctl enable", which would lead nowhere now.
        for directory in manager.directory.glob("*.wants"):
            (directory / file.name).unlink(missing_ok=True)
    todo = [shlex.join(manager.call("daemon-reload"))]
    if not stop:
        todo.insert(0, shlex.join(manager.call("stop", *(file.name for file in files))))
    lines = [f"Removed {shown}.", "What to do next:", *(f"  {line}" for line in todo)]
    report_result(*lines, files=files, stopped=stop, todo=todo)


def _check_for_system(invocation: Invocation) -> None:
    """Raise ``Refused`` if a service of the system would not find what this user has."""
    program, settings = _own_call()[0], invocation.settings
    config = paths.SYSTEM_CONFIG / "chatroom.toml"
    if settings.source is None and invocation.database_flag is None:
        raise Refused(
            f"a service of the system needs a configuration: run {program} config init {config}, and then "
            f"{program} --config {config} config set database.path {STATE / 'chatroom.db'}"
        )
    if "database.path" not in settings.key_sources:
        raise Refused(
            f"{settings.source} does not say where the database is, and the default is in a home directory: run "
            f"{program} --config {settings.source} config set database.path {STATE / 'chatroom.db'}"
        )


def _make_setup(invocation: Invocation, user: str) -> Setup:
    settings, call = invocation.settings, _own_call()
    if any(char in _UNSAFE_IN_PROGRAM for char in call[0]):
        raise Refused(f"systemd runs no program with a quote or a backslash in its path: {call[0]}")
    reads = [Path(call[0]).parent, Path(sys.prefix), Path(sys.base_prefix)]
    if settings.source is not None:
        source = settings.source.absolute()
        call += ["--config", str(source)]
        reads.append(source)
    # A path from a flag or the environment is not in the file that the service reads.
    if settings.key_sources.get("database.path", "") in (FLAG_NAMES["database.path"], "CHATROOM_DATABASE__PATH"):
        call += ["--database", str(settings.database.path)]
    for listen in settings.listen:
        reads += [*listen.certificate, *listen.key]
    writes = () if settings.log.file is None else (settings.log.file.parent,)
    return Setup(tuple(call), settings.database.path, tuple(reads), writes, user)


def _own_call() -> list[str]:
    """Return what runs this program with this interpreter."""
    script = Path(sys.executable).with_name("chatroomctl")
    return [str(script)] if script.exists() else [sys.executable, "-m", "chatroom.ctl"]


def _addresses(settings: Settings) -> list[str]:
    if any(listen.port == 0 for listen in settings.listen):
        raise Refused("systemd cannot open port 0: give each [[listen]] a port, or leave out --socket")
    named = [listen.host for listen in settings.listen if not listen.host.replace(".", "").isdecimal()]
    names = [host for host in named if ":" not in host]
    if names:
        raise Refused(f"systemd opens addresses, not names: set listen.host to the address of {names[0]}")
    return [f"[{one.host}]:{one.port}" if ":" in one.host else f"{one.host}:{one.port}" for one in settings.listen]


def _is_ours(file: Path) -> bool:
    try:
        with open(file, encoding="utf-8", errors="replace") as text:
            return MARK in text.readline()
    except OSError:
        return False


def _write_units(units: dict[Path, str], yes: bool) -> None:
    for file, text in units.items():
        _confirm_replacing(file, text, yes)
    for file, text in units.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with new_file(file) as out:
            out.write(text)
        file.chmod(0o644)


def _confirm_replacing(file: Path, text: str, yes: bool) -> None:
    if not os.path.lexists(file):
        return
    try:
        if file.read_text(encoding="utf-8", errors="replace") == text:
            return
    except OSError:  # a link that leads nowhere
        pass
    changes = "changes in it are lost" if _is_ours(file) else "chatroomctl has not written it"
    confirm(f"Replace {file}? There is one already, and {changes}.", yes)


def _list_todo(manager: _Manager, setup: Setup, units: Sequence[str]) -> list[str]:
    """Return what the operator has to do, each as a command or a comment. ``units`` are still to be started."""
    todo = []
    variables = sorted(name for name in os.environ if name.startswith("CHATROOM_") and "__" in name)
    variables = [name for name in variables if name != "CHATROOM_DATABASE__PATH"]
    if variables:
        todo.append(f"# {', '.join(variables)} count here and not in the service: set them in the configuration")
    if not manager.of_user:
        todo += _list_system_todo(setup)
    if units:
        todo.append(shlex.join(manager.call("daemon-reload")))
        todo.append(shlex.join(manager.call("enable", "--now", *units)))
    if manager.of_user:
        todo.append("loginctl enable-linger    # it runs while you are not logged in, too")
    todo.append(shlex.join(manager.call("status", _SERVICE)))
    as_user = "" if manager.of_user else f"sudo -u {shlex.quote(setup.user)} "
    todo.append(f"{as_user}{shlex.join(setup.program)} user create-admin NAME")
    return todo


def _list_system_todo(setup: Setup) -> list[str]:
    user, todo = shlex.quote(setup.user), []
    try:
        pwd.getpwnam(setup.user)
    except KeyError:
        todo.append(f"useradd --system --user-group --home-dir {STATE} --shell /usr/sbin/nologin {user}")
    for path in sorted({path for path in setup.reads if path.is_relative_to("/root") or path.is_relative_to("/home")}):
        todo.append(f"# {path} is in a home directory: check that the user {user} can read it")
    for directory in dict.fromkeys((setup.database.parent, *setup.writes)):
        shown = shlex.quote(str(directory))
        if directory.exists() and not directory.is_relative_to(STATE):  # perhaps one of others, such as /var/log
            todo.append(f"# check that the user {user} can write to {shown}")
        elif not directory.is_relative_to(STATE):
            todo.append(f"install -d -m 700 -o {user} -g {user} {shown}")
    if "--config" in setup.program:
        config = shlex.quote(setup.program[setup.program.index("--config") + 1])
        todo.append(f"chgrp {user} {config} && chmod 640 {config}")
    return todo
