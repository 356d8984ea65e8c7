"""``chatroomctl service``: write the systemd unit that runs this installation of chatroom, and remove it."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from chatroom import paths
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import confirm, report_result, result_option, yes_option
from chatroom.ctl.service_setup import SERVICE, SOCKET, Manager, is_ours, list_addresses, make_setup, own_call
from chatroom.ctl.subcommands import Subcommands
from chatroom.ctl.systemd_units import STATE, Setup, socket_unit, system_unit, user_unit
from chatroom.errors import NotFound, Refused
from chatroom.new_file import new_file


def _manager_options(command: click.decorators.FC) -> click.decorators.FC:
    option = click.option(
        "--user/--system",
        "of_user",
        default=None,
        help="A service of your own, or of the system; as root the latter if not given. Example: --user",
    )
    return option(command)


def _choose_manager(of_user: bool | None) -> Manager:
    return Manager(os.getuid() != 0 if of_user is None else of_user)


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
    setup = make_setup(invocation, run_as)
    units = {manager.directory / SERVICE: user_unit(setup) if manager.of_user else system_unit(setup)}
    if with_socket:
        units[manager.directory / SOCKET] = socket_unit(list_addresses(settings))
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
    lines += [f"Started {SERVICE}."] if start else []
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
    files = [file for file in (manager.directory / SERVICE, manager.directory / SOCKET) if os.path.lexists(file)]
    if not files:
        raise NotFound(f"there is no {SERVICE} in {manager.directory}")
    shown = " and ".join(map(str, files))
    foreign = "" if all(map(is_ours, files)) else " Not all of it was written by chatroomctl service install."
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
    program, settings = own_call()[0], invocation.settings
    config = paths.SYSTEM_CONFIG / "chatroom.toml"
    if settings.source is None and invocation.database_flag is None:
        raise Refused(
            f"a service of the system needs a configuration: run {program} config init {config}, and then "
            f"{program} --config {config} config set database.path {STATE / 'chatroom.db'}"
        )
    if settings.database.url is None and "database.path" not in settings.key_sources:
        raise Refused(
            f"{settings.source} does not say where the database is, and the default is in a home directory: run "
            f"{program} --config {settings.source} config set database.path {STATE / 'chatroom.db'}"
        )


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
    changes = "changes in it are lost" if is_ours(file) else "chatroomctl has not written it"
    confirm(f"Replace {file}? There is one already, and {changes}.", yes)


def _list_todo(manager: Manager, setup: Setup, units: Sequence[str]) -> list[str]:
    """Return what the operator has to do, each as a command or a comment. ``units`` are still to be started."""
    todo = []
    variables = sorted(name for name in os.environ if name.startswith("CHATROOM_") and "__" in name)
    variables = [name for name in variables if name not in ("CHATROOM_DATABASE__PATH", "CHATROOM_DATABASE__URL")]
    if variables:
        todo.append(f"# {', '.join(variables)} count here and not in the service: set them in the configuration")
    if not manager.of_user:
        todo += _list_system_todo(setup)
    if units:
        todo.append(shlex.join(manager.call("daemon-reload")))
        todo.append(shlex.join(manager.call("enable", "--now", *units)))
    if manager.of_user:
        todo.append("loginctl enable-linger    # it runs while you are not logged in, too")
    todo.append(shlex.join(manager.call("status", SERVICE)))
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
    for directory in setup.directories:
        shown = shlex.quote(str(directory))
        if directory.exists() and not directory.is_relative_to(STATE):  # perhaps one of others, such as /var/log
            todo.append(f"# check that the user {user} can write to {shown}")
        elif not directory.is_relative_to(STATE):
            todo.append(f"install -d -m 700 -o {user} -g {user} {shown}")
    if "--config" in setup.program:
        config = shlex.quote(setup.program[setup.program.index("--config") + 1])
        todo.append(f"chgrp {user} {config} && chmod 640 {config}")
    return todo
