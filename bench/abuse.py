"""What bystanders notice of an attack: ours beside InspIRCd, both with the limits that they are shipped with.

    python bench/abuse.py [--only NAME]... [--runs N] [--beside ngIRCd] [--json FILE]

A hundred bystanders in a room say fifty lines a second between them. The load generator says and checks them: a line
that is lost, doubled or out of order, or a bystander who loses the connection, ends the run. ``attacks.py`` has the
attacks. Each run has a fresh server, and the servers take turns.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from statistics import median

import click
import exposed
from attacks import ATTACKS, INSPIRCD, LOAD, NGIRCD, OURS, Attack
from machine import describe
from peers import Cores, Recipe, Server, ServerFailed, missing, pinned_to, running
from report import number
from run import LineBroken, behave
from variants import Databases

HERE = Path(__file__).resolve().parent
MOST_MS = 50.0
"""What 99 of 100 deliveries to bystanders may take under an attack."""
RUNS, SECONDS = 5, 2.5
_HEAD_S = 0.2
"""How long the bystanders talk before the attack begins."""
_CAP_S = 120
_BYSTANDERS = {"members": 100, "senders": 100, "rate": 50, "source": "127.10.0.1", "announce": 1}
_NICENESS = 10
"""The attackers leave the processor to the bystanders, which share it, so that these measure the server's delays."""

Told = dict[str, float]


@dataclass(slots=True)
class Outcome:
    """What an attack did to one server, in all runs."""

    runs: list[Told] = field(default_factory=list)
    fault: str = ""
    """Why there are no further runs."""

    def middle(self, key: str) -> float:
        """Return the median of a figure."""
        return median(run[key] for run in self.runs if key in run)


def run_once(recipe: Recipe, name: str, attack: Attack, seconds: float, cores: Cores) -> Told:
    """Attack one server. Raises ``LineBroken`` or ``ServerFailed``."""
    with running(recipe, cores) as server, _attacking(attack.name, name, server, cores) as attacker:
        before = _memory_mb(server, "VmRSS")
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak begins anew
        logged = server.screen.stat().st_size
        told = _listen(server, attacker, seconds, cores)
        told |= {"before_mb": before, "peak_mb": _memory_mb(server, "VmHWM"), "after_mb": _memory_mb(server, "VmRSS")}
        told["log_kb"] = (server.screen.stat().st_size - logged) / 1024
        said, failed = attacker.communicate("end\n", timeout=_CAP_S)
        if attacker.returncode:
            raise LineBroken(f"the attack failed: {failed.strip()[-2000:]}")
        did: Told = json.loads(said)
        return told | did


@contextlib.contextmanager
def _attacking(attack: str, name: str, server: Server, cores: Cores) -> Iterator[subprocess.Popen[str]]:
    """Start the attackers, and wait until they have prepared the attack."""
    pin = pinned_to(cores.generator)

    def behave_well() -> None:
        os.nice(_NICENESS)
        if pin is not None:
            pin()

    command = [sys.executable, str(HERE / "attacks.py"), attack, name, json.dumps(dict(server.ports))]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=behave_well,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise LineBroken(f"the attack was not prepared: {process.communicate()[1].strip()[-2000:]}")
        yield process
    finally:
        process.kill()
        process.wait()


def _listen(server: Server, attacker: subprocess.Popen[str], seconds: float, cores: Cores) -> Told:
    """Let the bystanders talk, and the attack begin meanwhile. Returns what they noticed."""
    options = {**_BYSTANDERS, "port": server.port, "pid": server.process.pid, "seconds": seconds}
    command = [str(LOAD), "latency", *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
    bystanders = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pinned_to(cores.generator)
    )
    assert bystanders.stdout is not None and attacker.stdin is not None
    try:
        if bystanders.stdout.readline() == "talking\n":
            time.sleep(_HEAD_S)
            attacker.stdin.write(f"go {seconds - _HEAD_S}\n")
            attacker.stdin.flush()
        said, failed = bystanders.communicate(timeout=_CAP_S)
    finally:
        bystanders.kill()
        bystanders.wait()
    if bystanders.returncode:
        raise LineBroken(failed.strip())
    told: Told = {key: value for key, value in json.loads(said).items() if key != "case"}
    return told


def _memory_mb(server: Server, what: str) -> float:
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise ServerFailed("it is gone")


def measure(
    attack: Attack, recipes: Mapping[str, Recipe], runs: int, seconds: float, cores: Cores
) -> dict[str, Outcome]:
    """Do all runs of an attack, each server once in each round."""
    outcomes = {name: Outcome() for name in recipes if name in attack.servers}
    for _ in range(runs):
        for name, outcome in outcomes.items():
            if not outcome.fault:
                try:
                    outcome.runs.append(run_once(recipes[name], name, attack, seconds, cores))
                except (LineBroken, ServerFailed) as fault:
                    outcome.fault = str(fault)
    return outcomes


# -- showing ----------------------------------------------------------------------------------------

_COLUMNS = ("server", "p50", "p99", "longest", "memory", "log", "lines", "read", "connections", "closed", "besides")


def cells(name: str, outcome: Outcome) -> tuple[str, ...]:
    """Return a server's row under an attack."""
    if outcome.fault or not outcome.runs:
        return name, *[""] * (len(_COLUMNS) - 2), f"**failed: {outcome.fault}**"
    p99, middle = outcome.middle("p99_ms"), outcome.middle
    besides = [f"right password {middle('right_password_s'):g} s"] if "right_password_s" in outcome.runs[0] else []
    return (
        name,
        number(middle("p50_ms")),
        f"**{number(p99)}**" if p99 >= MOST_MS else number(p99),
        number(max(run["longest_ms"] for run in outcome.runs)),
        f"{middle('before_mb'):.0f} → {middle('peak_mb'):.0f}",
        f"{middle('log_kb'):.0f}",
        *(f"{middle(key):.0f}" for key in ("lines", "read_kb", "connections", "closed")),
        ", ".join(besides),
    )


def show(attack: Attack, outcomes: Mapping[str, Outcome]) -> str:
    """Return an attack's table for the screen."""
    lines = [f"{attack.name}: {attack.title}"]
    for name, outcome in outcomes.items():
        shown = zip(_COLUMNS[1:], cells(name, outcome)[1:], strict=True)
        lines.append(f"  {name:<9} " + "  ".join(f"{what} {cell}" for what, cell in shown if cell))
    return "\n".join(lines)


def write_page(
    path: Path, machine: Mapping[str, str], runs: int, command: str, done: Sequence[tuple[Attack, dict[str, Outcome]]]
) -> None:
    """Write all results as a page."""
    ours = [outcomes[OURS] for _, outcomes in done if OURS in outcomes]
    held = sum(not outcome.fault and outcome.middle("p99_ms") < MOST_MS for outcome in ours)
    head = ["attack", "server", "p50, ms", "p99, ms", "longest, ms", "memory, MB", "log, KB", "lines", "answers, KB"]
    head += ["connections", "closed", "besides"]
    rows = [head, ["---"] * len(head)]
    for attack, outcomes in done:
        for place, (name, outcome) in enumerate(outcomes.items()):
            rows.append([attack.title if place == 0 else "", *cells(name, outcome)])
    text = [
        "# What bystanders notice of an attack",
        f"Written by `{command}` on {datetime.date.today():%d %B %Y}; [what it does](README.md#under-attack).",
        f"Waits for a line from the moment when it was due, by 100 users, who say 50 a second. Medians of {runs}"
        f" runs, but for the longest wait of all. p99 of {MOST_MS:g} ms and more is bold: {held} of {len(ours)} attacks"
        f" on {OURS} leave it below. No line of a bystander was lost, doubled or out of order, and no bystander was"
        " disconnected, unless a row says that it failed.",
        "Memory is the resident set before the attack and its peak meanwhile. Lines, answers and connections are what"
        " the attackers sent, read and opened meanwhile; closed are those that the server ended or refused.",
        "\n".join(f"- {what}: {value}" for what, value in machine.items()),
        "\n".join(f"| {' | '.join(row)} |" for row in rows),
    ]
    path.write_text("\n\n".join(text) + "\n")


# -- the command ------------------------------------------------------------------------------------


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="An attack; may hold *, may be repeated.")
@click.option("--runs", type=click.IntRange(1), default=RUNS, show_default=True, help="Runs of each attack and server.")
@click.option("--seconds", type=click.FloatRange(1), default=SECONDS, show_default=True, help="The time of a run.")
@click.option("--beside", multiple=True, metavar="SERVER", help=f"Another server: {NGIRCD}. May be repeated.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write every run's figures to a file.")
def main(only: tuple[str, ...], runs: int, seconds: float, beside: tuple[str, ...], json_path: Path | None) -> None:
    """Measure and print. If all attacks were run, write abuse.md."""
    if not LOAD.exists():
        raise click.ClickException("the load generator is not built: make -C bench/generator")
    chosen = [each for name, each in ATTACKS.items() if not only or any(fnmatch(name, pattern) for pattern in only)]
    if not chosen:
        raise click.BadParameter(f"there is none of that name; there are {', '.join(ATTACKS)}", param_hint="--only")
    machine = describe()
    click.echo("\n".join(f"{what}: {value}" for what, value in machine.items()))
    behave()
    done: list[tuple[Attack, dict[str, Outcome]]] = []
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-") as directory:
        recipes = {OURS: exposed.ours(Databases(Path(directory))), INSPIRCD: exposed.inspircd, NGIRCD: exposed.ngircd}
        wanted = {OURS, INSPIRCD, *beside}
        recipes = {
            name: recipe
            for name, recipe in recipes.items()
            if name in wanted and (name == OURS or not missing(name.lower()))
        }
        for attack in chosen:
            done.append((attack, measure(attack, recipes, runs, seconds, Cores.choose())))
            click.echo(show(*done[-1]))
    if json_path is not None:
        figures = {
            attack.name: {name: {"runs": each.runs, "fault": each.fault} for name, each in outcomes.items()}
            for attack, outcomes in done
        }
        json_path.write_text(json.dumps({"machine": machine, "seconds": seconds, "attacks": figures}, indent=1) + "\n")
    if not only:
        words = f' ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else ""
        write_page(HERE / "abuse.md", machine, runs, f"make bench-abuse{words}", done)
    if any(outcomes[OURS].fault for _, outcomes in done if OURS in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
