"""What people wait for: the start of both programs, lists of 100,000 bans, and the daemon's start with them.

    python bench/start_times.py [--before CHECKOUT] [--runs N] [--bans N]

Prints a table. The first figure of a cell is the processor time of the process, the second what it took by the clock,
both in milliseconds: medians of the runs, which are interleaved. ``python3 -c pass`` stands in each round, because a
machine that is busy makes everything slower. ``--before`` names another checkout, for a column beside this one. Run
``make lint`` there first: it makes that checkout's environment.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from variants import make_database

HERE = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0


class Took(NamedTuple):
    """The milliseconds that one run took."""

    cpu: float
    clock: float


class Place:
    """One checkout, and a directory for its databases and sockets."""

    def __init__(self, checkout: Path, directory: Path) -> None:
        self.bin, self.directory = checkout / ".venv/bin", directory
        runtime = directory / "run"
        runtime.mkdir(parents=True, mode=0o700)
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("CHATROOM_", "XDG_", "PYTHON"))
            },
            "HOME": str(directory),
            "XDG_RUNTIME_DIR": str(runtime),
            "TERM": "xterm",
        }

    def ctl(self, database: Path, *arguments: str) -> list[str]:
        """Return a command of ``chatroomctl``."""
        return [str(self.bin / "chatroomctl"), "--database", str(database), *arguments]


def run(place: Place, command: list[str]) -> Took:
    """Run a command to its end."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        command, env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    return Took((usage.ru_utime + usage.ru_stime) * 1000, (time.monotonic() - began_s) * 1000)


def wait_for_question(place: Place, command: list[str]) -> Took:
    """Run a command at a terminal until it has printed something, and kill it."""
    began_s = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, place.environment)
    try:
        if not select.select([terminal], [], [], PATIENCE_S)[0] or b"assword" not in os.read(terminal, 4096):
            raise RuntimeError(f"{' '.join(command)}: does not ask")
        took_s = time.monotonic() - began_s
        return Took(_used_ms(pid), took_s * 1000)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def start_daemon(place: Place, database: Path) -> Took:
    """Start the daemon until it listens, and end it."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        place.ctl(database, "serve", "--port", "0"), env=place.environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "listening on" in line:
                return Took(_used_ms(process.pid), (time.monotonic() - began_s) * 1000)
        raise RuntimeError("the daemon did not start")
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def _used_ms(pid: int) -> float:
    """Return the processor time of a process that runs, to a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) * 1000 / os.sysconf("SC_CLK_TCK")


@contextmanager
def copy_of(database: Path) -> Iterator[Path]:
    """Yield a copy of a database, and remove what belongs to it."""
    copy = database.with_name("copy.db")
    shutil.copyfile(database, copy)
    try:
        yield copy
    finally:
        for path in database.parent.glob("copy.db*"):
            path.unlink()


def measures(place: Place, few: Path, many: Path, empty: Path, exported: Path) -> dict[str, Callable[[], Took]]:
    """Return the rows: their names, and what measures each of them once."""

    def on_copy(database: Path, measure: Callable[[Path], Took]) -> Callable[[], Took]:
        def measured() -> Took:
            with copy_of(database) as copy:
                return measure(copy)

        return measured

    def ctl(database: Path, *arguments: str) -> Callable[[], Took]:
        return on_copy(database, lambda copy: run(place, place.ctl(copy, *arguments)))

    chatroom = str(place.bin / "chatroom")
    return {
        "`python3 -c pass`": lambda: run(place, [str(place.bin / "python"), "-c", "pass"]),
        "`chatroomctl --version`": lambda: run(place, [str(place.bin / "chatroomctl"), "--version"]),
        "`chatroomctl --help`": lambda: run(place, [str(place.bin / "chatroomctl"), "--help"]),
        "`chatroomctl ban add`": ctl(few, "ban", "add", "mallory", "--yes"),
        "`chatroomctl user list`": ctl(few, "user", "list"),
        "`chatroom --version`": lambda: run(place, [chatroom, "--version"]),
        "`chatroom --help`": lambda: run(place, [chatroom, "--help"]),
        "`chatroom --plain`, to its first question": lambda: wait_for_question(
            place, [chatroom, "--plain", "--account", "alice", "127.0.0.1:1"]
        ),
        "the daemon, until it listens": on_copy(few, lambda copy: start_daemon(place, copy)),
        "the same with many bans and as many accounts": on_copy(many, lambda copy: start_daemon(place, copy)),
        "`ban list` of many": ctl(many, "ban", "list"),
        "`ban list --json` of many": ctl(many, "ban", "list", "--json"),
        "`ban import` of many": ctl(empty, "ban", "import", "--yes", str(exported)),
    }


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--runs", type=int, default=10, help="how often each row is measured")
    parser.add_argument("--bans", type=int, default=100_000, help="how many bans and accounts many are")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        few, many, empty = (make_database(directory / f"{size}.db", size, size) for size in (3, options.bans, 0))
        exported = directory / "bans.jsonl"
        checkouts = {"before": options.before.resolve(), "now": HERE} if options.before else {"now": HERE}
        places = {column: Place(checkout, directory / column) for column, checkout in checkouts.items()}
        run(places["now"], places["now"].ctl(many, "ban", "export", str(exported)))
        rows = {column: measures(place, few, many, empty, exported) for column, place in places.items()}
        found: dict[tuple[str, str], list[Took]] = {}
        for round_number in range(options.runs):
            print(f"round {round_number + 1} of {options.runs}", file=sys.stderr, flush=True)
            for row in rows["now"]:
                # What takes seconds needs no ten runs.
                if round_number < 3 or "many" not in row:
                    for column in rows:
                        found.setdefault((row, column), []).append(rows[column][row]())
    print(f"| | {' | '.join(rows)} |\n| --- |{' --- |' * len(rows)}")
    for row in rows["now"]:
        cells = [
            " / ".join(f"{median(values):.0f}" for values in zip(*found[row, column], strict=True)) for column in rows
        ]
        print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
