"""What history.synchronous = "full" costs those who talk: how long a message takes, and how many there are a second.

    python bench/synchronous.py [--before CHECKOUT] [--runs N] [--only NAME]...

Each work is done by a daemon without a history, with "normal", with "full", and with that of another checkout if one is
named, interleaved; the medians of the runs are shown. The database is in the directory for temporary files, so that is
the disk whose commits are waited for. The load generator checks every line, as in ``run.py``.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

import click
from machine import describe
from peers import Cores, Launch, Recipe, running
from run import LOAD, behave, load
from variants import daemon

Work = tuple[str, dict[str, object], bool]
"""A case of the load generator with its arguments; True if waits are measured, False if messages a second are."""

WORKS: dict[str, Work] = {
    "alone": ("latency", {"members": 20, "senders": 5, "rate": 20, "seconds": 8}, True),
    "room": ("latency", {"members": 100, "senders": 50, "rate": 200, "seconds": 8}, True),
    "busy": ("latency", {"members": 100, "senders": 50, "rate": 1500, "seconds": 6}, True),
    "one-by-one": ("rooms", {"rooms": 1, "members": 20, "senders": 1, "window": 1, "messages": 1500}, False),
    "ten": ("rooms", {"rooms": 1, "members": 100, "senders": 10, "window": 1, "messages": 300}, False),
    "ten-ahead": ("rooms", {"rooms": 1, "members": 100, "senders": 10, "window": 16, "messages": 3200}, False),
    "rooms": ("rooms", {"rooms": 50, "members": 20, "senders": 1, "window": 4, "messages": 300}, False),
}
TITLES = {
    "alone": "20 in a room, 20 messages a second",
    "room": "100 in a room, 200 a second",
    "busy": "100 in a room, 1,500 a second",
    "one-by-one": "one sender, one message under way",
    "ten": "10 senders in a room of 100, one message each under way",
    "ten-ahead": "the same, 16 each under way",
    "rooms": "50 rooms of 20, a sender each, 4 under way",
}


def full(directory: Path, port: int) -> Launch:
    """Have each commit wait for the disk."""
    launch = daemon(history__enabled=True)(directory, port)
    return replace(launch, environment={**launch.environment, "CHATROOM_HISTORY__SYNCHRONOUS": "full"})


def of_checkout(checkout: Path, recipe: Recipe) -> Recipe:
    """Have the daemon of another checkout run."""

    def prepare(directory: Path, port: int) -> Launch:
        launch = recipe(directory, port)
        return replace(launch, command=[str(checkout / ".venv" / "bin" / "chatroomctl"), *launch.command[1:]])

    return prepare


def show(answers: list[dict[str, float]], waits: bool) -> str:
    """Return the figures of one daemon."""
    if waits:
        p50, p99 = (statistics.median([answer[name] for answer in answers]) for name in ("p50_ms", "p99_ms"))
        return f"{p50:.2f} / {p99:.2f} ms"
    speed = statistics.median([answer["messages"] / answer["elapsed_s"] for answer in answers])
    return f"{speed:,.0f} a second"


@click.command()
@click.option("--before", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout.")
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="Runs of each daemon.")
@click.option("--only", multiple=True, type=click.Choice(list(WORKS)), help="A work to measure; may be repeated.")
def main(before: Path | None, runs: int, only: tuple[str, ...]) -> None:
    """Measure, and print a table."""
    if not LOAD.exists():
        raise click.ClickException("the load generator is not built: make -C bench/generator")
    behave()
    recipes: dict[str, Recipe] = {"no history": daemon(), '"normal"': daemon(history__enabled=True)}
    if before is not None:
        recipes['"full", before'] = of_checkout(before.resolve(), full)
    recipes['"full"'] = full
    click.echo(", ".join(describe().values()))
    click.echo(f"| p50 / p99 of a message, or messages a second | {' | '.join(recipes)} |")
    click.echo(f"| --- |{' ---: |' * len(recipes)}")
    cores = Cores.choose()
    for name in only or WORKS:
        case, arguments, waits = WORKS[name]
        answers: dict[str, list[dict[str, float]]] = {column: [] for column in recipes}
        for _ in range(runs):
            for column, recipe in recipes.items():
                with running(recipe, cores) as server:
                    answers[column].append(load(server, case, arguments, False, cores))
        cells = [show(answers[column], waits) for column in recipes]
        click.echo(f"| {TITLES[name]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
