"""Judging what was measured against the bounds, and showing it: on the screen at once, and in ``results.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from cases import PEERS, TLS_PEER, Measure, Row, Sweep

Answer = dict[str, float]
"""The generator's result of one run."""
Answers = dict[str, list[Answer]]
"""The results of all runs, by server."""

_GROUPS = {
    "peers": "Beside the C daemons",
    "tls": "Over TLS",
    "history": "With the history kept",
    "threads": "By the number of I/O threads",
    "scale": "At scale",
}
_SAID = {
    "tls": "Both servers have the same certificate (P-256), and both sides are free to choose TLS 1.3.",
    "history": "Direct messages are between accounts, in both columns. A message more is what storing one adds. Making"
    " the index of words for it is not in these figures: in such a flood that waits until it is over, and takes"
    " another 10 to 20 µs a message then (`python bench/history_disk.py`).",
    "threads": "The server has one processor, as everywhere here: what a second thread costs, not what it gains.",
}


@dataclass(slots=True)
class Figure:
    """One measure of a row: the medians of all servers, and the judgement of the subject."""

    measure: Measure
    medians: dict[str, float]
    ratio: float | None = None
    """The subject's median, divided by the best of the references."""
    per_message: float | None = None
    """What a message to all its recipients costs the subject more than the best of the references."""
    verdicts: list[tuple[str, bool]] = field(default_factory=list)
    """Each bound as it is shown, and True if it holds."""


@dataclass(slots=True)
class Judged:
    """A row with its figures."""

    row: Row
    answers: Answers
    faults: Mapping[str, str]
    figures: list[Figure]

    @property
    def is_broken(self) -> bool:
        """True if this checkout's daemon failed, or a line of it was wrong."""
        return any(name not in (*PEERS, TLS_PEER) for name in self.faults)

    @property
    def generator_share(self) -> tuple[float, float]:
        """Return the least and the most of its processor that the generator used in a run, from 0 to 1."""
        shares = [answer["own_cpu_share"] for runs in self.answers.values() for answer in runs]
        return (min(shares), max(shares)) if shares else (0.0, 0.0)


def judge_row(row: Row, answers: Answers, faults: Mapping[str, str]) -> Judged:
    """Compute the figures of a row."""
    return Judged(row, answers, faults, [_judge(row, measure, answers) for measure in row.measures])


def _judge(row: Row, measure: Measure, answers: Answers) -> Figure:
    medians = {name: median(answer[measure.key] for answer in runs) for name, runs in answers.items() if runs}
    figure = Figure(measure, medians)
    ours = medians.get(row.subject)
    if ours is None:
        return figure
    if measure.at_most is not None:
        figure.verdicts.append((f"≤ {measure.at_most:g}", ours <= measure.at_most))
    known = [medians[name] for name in row.references if name in medians]
    if known and min(known) > 0:
        figure.ratio = ours / min(known)
        if measure.ratio is not None:
            figure.verdicts.append((f"ratio ≤ {measure.ratio:g}", figure.ratio <= measure.ratio))
        if measure.per_message is not None:
            one = answers[row.subject][0]
            figure.per_message = (ours - min(known)) * one["delivered"] / one["messages"]
            told = f"a message ≤ {measure.per_message:g} more"
            figure.verdicts.append((told, figure.per_message <= measure.per_message))
    return figure


def show_row(judged: Judged, less: str = "") -> str:
    """Return a row for the screen, a line for each measure. ``less`` says what a quick run does less of."""
    row, (least, most) = judged.row, judged.generator_share
    smaller = f"; quick: {less}" if less else ""
    lines = [f"{row.name}: {row.title}{smaller} (generator {least:.0%} to {most:.0%} of its processor)"]
    for figure in judged.figures:
        shown = "  ".join(f"{name} {number(value)}" for name, value in figure.medians.items())
        told = f"  {figure.measure.unit:<24} {shown}"
        if figure.ratio is not None:
            told += f"  ratio {figure.ratio:.2f}"
        if figure.per_message is not None:
            told += f"  a message {figure.per_message:+.1f} µs"
        lines.append("  ".join([told, *(f"[{bound} {_word(holds)}]" for bound, holds in figure.verdicts)]))
    lines += [f"  {name} failed: {fault}" for name, fault in judged.faults.items()]
    return "\n".join(lines)


def show_sweep(sweep: Sweep, points: Sequence[tuple[int, Answers]]) -> str:
    """Return a sweep for the screen, a line for each size."""
    lines = [f"{sweep.name}: {sweep.title}, µs a delivered message by {sweep.label}"]
    for size, answers in points:
        lines.append(f"  {size:>6}  " + "  ".join(f"{name} {number(cost(runs))}" for name, runs in answers.items()))
    return "\n".join(lines)


def cost(runs: Sequence[Answer]) -> float:
    """Return the median cost of a delivered message to the server, in microseconds."""
    return median(answer["us_per_delivered"] for answer in runs)


def number(value: float) -> str:
    """Write a number with three significant digits, and never in powers of ten."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _word(holds: bool) -> str:
    return "holds" if holds else "MISSED"


def write_markdown(path: Path, machine: Mapping[str, str], runs: int, judged: Sequence[Judged]) -> None:
    """Write all results as a page."""
    bounds = [holds for each in judged for figure in each.figures for _, holds in figure.verdicts]
    shares = [each.generator_share for each in judged if each.answers]
    text = [
        "# What it costs",
        "Written by `make bench`. CPU time of the server process unless said otherwise, on one processor, the load"
        " generator on another; every line checked at every recipient. Medians of"
        f" {runs} interleaved runs, each a fresh process. The ratio is that of the last column of figures to the best"
        f" of those before it. {sum(bounds)} of {len(bounds)} bounds hold; those missed are in bold.",
        "\n".join(f"- {what}: {value}" for what, value in machine.items()),
        "![Cost beside the C daemons](results.svg)",
        "![Cost by members, rooms and connections](sweeps.svg)",
    ]
    for group, title in _GROUPS.items():
        rows = [each for each in judged if each.row.group == group]
        if rows:
            text += [f"## {title}", *([_SAID[group]] if group in _SAID else []), _table(rows)]
    text.append(
        f"The generator used between {min(least for least, _ in shares):.0%} and {max(most for _, most in shares):.0%}"
        " of its processor."
    )
    path.write_text("\n\n".join(text) + "\n")


def _table(rows: Sequence[Judged]) -> str:
    columns = list(dict.fromkeys(name for each in rows for name in (*each.row.references, each.row.subject)))
    columns = [name for name in columns if any(name in each.answers or name in each.faults for each in rows)]
    columns.sort(key=lambda name: any(name == each.row.subject for each in rows))
    lines = [_line(["work", "unit", *columns, "ratio", "bounds", "generator"]), _line(["---"] * (len(columns) + 5))]
    for each in rows:
        for place, figure in enumerate(each.figures):
            cells = [_cell(each, figure, name) for name in columns]
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            if figure.per_message is not None:
                ratio += f", {figure.per_message:+.1f} µs a message"
            bounds = ", ".join(bound if holds else f"**{bound}: missed**" for bound, holds in figure.verdicts)
            share = f"{each.generator_share[1]:.0%}" if place == 0 else ""
            title = each.row.title if place == 0 else ""
            lines.append(_line([title, figure.measure.unit, *cells, ratio, bounds, share]))
    return "\n".join(lines)


def _cell(judged: Judged, figure: Figure, name: str) -> str:
    if name in figure.medians:
        return number(figure.medians[name])
    return "failed" if name in judged.faults else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
