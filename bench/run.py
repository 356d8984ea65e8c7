"""Measure the daemon beside ngIRCd and InspIRCd: what a message, a registration and a connection cost the server.

    python bench/run.py [--quick] [--only NAME]... [--runs N] [--json FILE]

Runs are interleaved: every server does a row's work once, then every server once more, each time as a fresh process.
The medians are shown. The load generator checks every line at every recipient; a missing or wrong line ends the row.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import click
from bystanders import idling
from cases import OURS, PEERS, ROWS, SWEEPS, TLS_OURS, TLS_PEER, Arguments, Row, Sweep
from machine import describe
from peers import Cores, Recipe, Server, ServerFailed, inspircd, inspircd_tls, missing, ngircd, pinned_to, running
from report import Answer, Answers, judge_row, show_row, show_sweep, write_markdown
from variants import ACCOUNTS, PASSWORD, Databases, daemon

HERE = Path(__file__).resolve().parent
LOAD = HERE / "build" / "load"
RUNS, QUICK_RUNS, SWEEP_RUNS = 5, 1, 3
_LOAD_CAP_S = 900
_MANY = 100_000


class LineBroken(Exception):
    """The generator found a line lost, doubled, changed or out of order, or waited in vain."""


@dataclass(slots=True)
class Bench:
    """What all runs have in common."""

    recipes: dict[str, Recipe]
    """The servers, by the name of their column."""
    cores: Cores
    runs: int
    quick: bool

    def measure_row(self, row: Row) -> tuple[Answers, dict[str, str]]:
        """Do all runs of a row. Returns the results by server, and the faults of servers without one."""
        arguments = {**row.arguments, **(row.quick or {})} if self.quick else row.arguments
        servers = [name for name in (*row.references, row.subject) if name in self.recipes]
        return self._interleave(servers, row.case, arguments, row.accounts, 0, self.runs)

    def less(self, row: Row) -> str:
        """Return what a quick run does less of than the row's title says."""
        return " ".join(f"{name}={value}" for name, value in (row.quick or {}).items()) if self.quick else ""

    def measure_sweep(self, sweep: Sweep) -> list[tuple[int, Answers]]:
        """Measure every point of a sweep."""
        servers = [name for name in (*PEERS, OURS) if name in self.recipes]
        points = []
        for size, arguments, idle in sweep.points:
            runs = min(self.runs, SWEEP_RUNS)
            points.append((size, self._interleave(servers, sweep.case, arguments, False, idle, runs)[0]))
        return points

    def _interleave(
        self, servers: list[str], case: str, arguments: Arguments, log_in: bool, idle: int, runs: int
    ) -> tuple[Answers, dict[str, str]]:
        answers: Answers = {name: [] for name in servers}
        faults: dict[str, str] = {}
        for _ in range(runs):
            for name in servers:
                if name in faults:
                    continue
                try:
                    answers[name].append(self._run_once(self.recipes[name], case, arguments, log_in, idle))
                except (LineBroken, ServerFailed) as fault:
                    faults[name] = str(fault)
                    del answers[name]
        return answers, faults

    def _run_once(self, recipe: Recipe, case: str, arguments: Arguments, log_in: bool, idle: int) -> Answer:
        with running(recipe, self.cores) as server, idling(server.port, idle):
            answer = load(server, case, arguments, log_in, self.cores)
            answer["ready_s"] = server.ready_s
        return answer


def load(server: Server, case: str, arguments: Arguments, log_in: bool, cores: Cores) -> Answer:
    """Run the generator once and return its result. Raises ``LineBroken``."""
    command = [str(LOAD), case, "--host", "127.0.0.1", "--port", str(server.port), "--pid", str(server.process.pid)]
    for name, value in arguments.items():
        command += [f"--{name}", str(value)]
    if log_in:
        command += ["--prefix", ACCOUNTS, "--password", PASSWORD]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_LOAD_CAP_S, preexec_fn=pinned_to(cores.generator), check=False
    )
    if done.returncode != 0:
        raise LineBroken(done.stderr.strip() or f"the generator ended with {done.returncode}")
    answer: Answer = {key: value for key, value in json.loads(done.stdout).items() if key != "case"}
    return answer


def make_recipes(databases: Databases) -> dict[str, Recipe]:
    """Return all servers that can be measured here, by the name of their column."""

    def people() -> Path:
        return databases.find(accounts=100, bans=0)

    recipes = {
        "ngIRCd": ngircd,
        "InspIRCd": inspircd,
        OURS: daemon(),
        TLS_PEER: inspircd_tls,
        TLS_OURS: daemon(tls=True),
        "history off": daemon(people),
        "history on": daemon(people, history__enabled=True),
        "io_threads 1": daemon(server__io_threads=1),
        "io_threads 2": daemon(server__io_threads=2),
        "none": daemon(),
        "100,000 of each": daemon(lambda: databases.find(accounts=_MANY, bans=_MANY)),
    }
    for name in PEERS:
        if missing(name.lower()):
            click.echo(f"{name} is not installed: its column is left out")
            for column in [column for column in recipes if column.startswith(name)]:
                del recipes[column]
    return recipes


def has_tls() -> bool:
    """True if the load generator was built with TLS."""
    told = json.loads(subprocess.run([LOAD, "features"], capture_output=True, check=True).stdout)
    return bool(told["tls"])


def choose(patterns: tuple[str, ...], quick: bool) -> tuple[list[Row], list[Sweep]]:
    """Return the rows and sweeps of those names, or all of them. A quick run has only the sweeps that are named."""
    if not patterns:
        return [row for row in ROWS if not quick or row.quick is not None], [] if quick else list(SWEEPS)
    rows = [row for row in ROWS if any(fnmatch(row.name, pattern) for pattern in patterns)]
    sweeps = [sweep for sweep in SWEEPS if any(fnmatch(sweep.name, pattern) for pattern in patterns)]
    if not rows and not sweeps:
        names = ", ".join([row.name for row in ROWS] + [sweep.name for sweep in SWEEPS])
        raise click.BadParameter(f"there is none of that name; there are {names}", param_hint="--only")
    return rows, sweeps


def behave() -> None:
    """Allow as many open files as the user may have, and let SIGTERM end as Ctrl-C does: no server is left running."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


@click.command()
@click.option("--quick", is_flag=True, help="Less of everything, in two minutes; prints and writes nothing.")
@click.option("--only", multiple=True, metavar="NAME", help="A row or sweep to measure; may hold *, may be repeated.")
@click.option(
    "--runs", type=click.IntRange(1), help=f"Runs of each server [default: {RUNS}; with --quick {QUICK_RUNS}]"
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write every run's figures to a file.")
def main(quick: bool, only: tuple[str, ...], runs: int | None, json_path: Path | None) -> None:
    """Measure and print the table. If everything was measured, write results.md with its pictures."""
    if not LOAD.exists():
        raise click.ClickException("the load generator is not built: make -C bench/generator")
    rows, sweeps = choose(only, quick)
    if not has_tls():
        click.echo("the load generator is built without TLS (on Debian: libssl-dev): these rows are left out")
        rows = [row for row in rows if "tls" not in row.arguments]
    machine = describe()
    click.echo("\n".join(f"{what}: {value}" for what, value in machine.items()))
    behave()
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-") as directory:
        bench = Bench(
            make_recipes(Databases(Path(directory))), Cores.choose(), runs or (QUICK_RUNS if quick else RUNS), quick
        )
        judged = []
        for row in rows:
            answers, faults = bench.measure_row(row)
            judged.append(judge_row(row, answers, faults))
            click.echo(show_row(judged[-1], bench.less(row)))
        swept = []
        for sweep in sweeps:
            swept.append((sweep, bench.measure_sweep(sweep)))
            click.echo(show_sweep(*swept[-1]))
    click.echo("\n== all ==\n" + "\n".join(show_row(each, bench.less(each.row)) for each in judged))
    if json_path is not None:
        everything = {
            "machine": machine,
            "runs": bench.runs,
            "rows": {each.row.name: {"answers": each.answers, "faults": each.faults} for each in judged},
            "sweeps": {sweep.name: points for sweep, points in swept},
        }
        json_path.write_text(json.dumps(everything, indent=1) + "\n")
    if not quick and not only:
        from pictures import draw_rows, draw_sweeps  # needs matplotlib, which nothing else here does

        write_markdown(HERE / "results.md", machine, bench.runs, judged)
        draw_rows(HERE / "results.svg", judged)
        draw_sweeps(HERE / "sweeps.svg", swept)
    if any(each.is_broken for each in judged):
        sys.exit(1)


if __name__ == "__main__":
    main()
