"""``chatroomctl check``: a doctor for a set-up. The checks themselves are in ``chatroom.ctl.checks``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from chatroom.ctl.checks import configuration
from chatroom.ctl.checks.scene import Scene, look_around
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, print_json, say
from chatroom.ctl.streams import plain
from chatroom.errors import ChatroomError, ConfigError
from chatroom.findings import Finding

Find = Callable[[Scene], Iterable[Finding]]

FAMILIES = {
    "configuration": "configuration",
    "database": "database_health",
    "permissions": "file_rights",
    "disk": "free_disk",
    "backups": "backups_made",
    "clock": "clock_time",
    "certificates": "tls_files",
    "addresses": "ports",
    "open files": "open_file_limit",
    "hooks": "hooks_delivered",
    "daemon": "running_daemon",
    "cluster": "cluster_nodes",
    "service": "service_unit",
}
"""The families in their order, with the module of each in ``chatroom.ctl.checks``."""


class Result(NamedTuple):
    """What one family has found. The field names are keys of ``--json``."""

    check: str
    findings: tuple[Finding, ...]
    skipped: str
    """Why the family was not looked at; empty if it was."""


@click.command()
@click.option(
    "--quick", is_flag=True, help="Do not read the whole database, which takes long if it is large. Example: --quick"
)
@json_option
@pass_invocation
def check(invocation: Invocation, quick: bool, as_json: bool) -> None:
    """Look for everything that is wrong with this server, or will be soon.

    It does what "config check" and "db check" do, and looks at the permissions of all files, the disk, the clock, the
    certificates (dates, chain, key, names), the addresses and who else listens there, the limit of open files, the
    running daemon, if there is one, the other nodes of a cluster, and the systemd unit. Each finding has a way out.
    Nothing is changed. Run it as the daemon's user, and after each upgrade.

    The exit code is 0 if all is fine, 1 if something was found, and 2 if the command was not understood.

    \b
    Examples:
      chatroomctl check
      sudo -u chatroom chatroomctl check --quick --json | jq .findings
    """
    results = list(run_checks(invocation, quick=quick))
    findings = [(one.check, finding) for one in results for finding in one.findings]
    if as_json:
        print_json(
            {
                "ok": not findings,
                "findings": [
                    {"check": name, "problem": finding.problem, "way_out": finding.way_out}
                    for name, finding in findings
                ],
                "checks": [one.check for one in results if not one.skipped],
                "skipped": {one.check: one.skipped for one in results if one.skipped},
            }
        )
    else:
        _print(results, len(findings))
    if findings:
        click.get_current_context().exit(1)


def run_checks(invocation: Invocation, *, quick: bool = False) -> Iterator[Result]:
    """Run all families, one after the other."""
    try:
        scene = look_around(invocation, quick=quick)
    except ConfigError as error:
        yield Result("configuration", tuple(configuration.find_errors(error)), "")
        for name in list(FAMILIES)[1:]:
            yield Result(name, (), "the configuration has errors")
        return
    for name, module in FAMILIES.items():
        why = _find_reason_to_skip(name, scene)
        if why:
            yield Result(name, (), why)
            continue
        find: Find = importlib.import_module(f"chatroom.ctl.checks.{module}").find
        yield Result(name, tuple(_run(find, scene)), "")


def _find_reason_to_skip(name: str, scene: Scene) -> str:
    if name == "certificates" and not any(listen.tls for listen in scene.settings.listen):
        return "no listener has TLS"
    if name in ("disk", "backups") and not isinstance(scene.database, Path):
        return "the database is on a server"
    if name == "backups" and not scene.settings.backup.every:
        return "backup.every is not set"
    if name == "cluster" and scene.settings.cluster.redis is None:
        return "this server is in no cluster"
    if name == "addresses" and scene.silence:
        return "the daemon does not answer"
    if name == "daemon" and not scene.daemon and not scene.silence:
        return "no daemon serves the database"
    return ""


def _run(find: Find, scene: Scene) -> Iterator[Finding]:
    """Yield the findings of a family. What it cannot look at is a finding too."""
    try:
        yield from find(scene)
    except ChatroomError as error:
        yield Finding(f"this could not be looked at: {error}", "mend that, and check again")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield Finding(
            f"this could not be looked at: {where}{error.strerror or error}", "run the check as the daemon's user"
        )


def _print(results: list[Result], count: int) -> None:
    width = max(len(one.check) for one in results)
    for one in results:
        if one.skipped:
            said = click.style(f"- ({one.skipped})", dim=True)
        elif one.findings:
            said = click.style(_counted(len(one.findings)), fg="red", bold=True)
        else:
            said = click.style("fine", fg="green")
        click.echo(f"{one.check:<{width}}  {said}")
        for finding in one.findings:
            say(f"  {finding.problem}")
            click.echo(f"    {click.style('->', bold=True)} {plain(finding.way_out)}")
    click.echo(_counted(count) if count else "All is fine.")


def _counted(count: int) -> str:
    return f"{count} {'finding' if count == 1 else 'findings'}"
