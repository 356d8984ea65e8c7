"""The pictures of ``results.md``, and that of held connections, as SVG. The same figures give the same file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cases import OURS, PEERS, Sweep
from matplotlib.figure import Figure
from report import Answers, Judged, cost, number
from report import Figure as Judgement

_COLOURS = {"ngIRCd": "#8c8c8c", "InspIRCd": "#c9a227", OURS: "#1f6f8b"}
_MARKS = {"ngIRCd": "s", "InspIRCd": "^", OURS: "o"}
_BOUND = "#b3261e"
_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "font.size": 10,
    "grid.alpha": 0.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "chatroom",
}


def draw_rows(path: Path, judged: Sequence[Judged]) -> None:
    """Draw each row that is compared with the peers: every server's cost, with the better peer's as 1."""
    bars = [
        (each.row.title, figure)
        for each in judged
        if each.row.group == "peers"
        for figure in each.figures
        if figure.ratio is not None and (figure is each.figures[0] or figure.measure.ratio is not None)
    ]
    if not bars:
        return
    with mpl.rc_context(_STYLE):
        picture = Figure(figsize=(9.5, 1.4 + 0.6 * len(bars)), layout="constrained")
        axes = picture.subplots()
        axes.grid(axis="y", visible=False)
        axes.axvline(1, color="black", lw=0.8, zorder=1)
        for place, (_, figure) in enumerate(bars):
            _draw_bars(axes, place, figure)
        for name in (*PEERS, OURS):
            axes.barh(0, 0, color=_COLOURS[name], label=name)
        axes.plot([], [], color=_BOUND, lw=1.5, label="what ours may cost")
        axes.set_yticks(range(len(bars)), [_label(title, figure.measure.unit) for title, figure in bars], size=9)
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel("cost, where the better of the C daemons is 1")
        picture.legend(loc="outside upper center", ncols=4, frameon=False)
        _save(picture, path)


def _draw_bars(axes: Any, place: int, figure: Judgement) -> None:
    """Draw one row: a bar for each server, with its figure at the end, and the bound across them."""
    best = min(figure.medians[name] for name in PEERS if name in figure.medians)
    unit = figure.measure.unit.split(" ")[0].rstrip(",")
    for offset, name in enumerate((*PEERS, OURS)):
        if name in figure.medians:
            value, at = figure.medians[name], place + (offset - 1) * 0.26
            axes.barh(at, value / best, 0.24, color=_COLOURS[name], zorder=2)
            told = axes.text(value / best + 0.03, at, f"{number(value)} {unit}", va="center", fontsize=8, zorder=4)
            told.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    if figure.measure.ratio is not None:
        axes.plot([figure.measure.ratio] * 2, [place - 0.42, place + 0.42], color=_BOUND, lw=1.5, zorder=3)


def _label(title: str, unit: str) -> str:
    """Return the row's title. What is measured is added if the unit has it behind its comma."""
    part = unit.partition(", ")[2]
    return f"{title}: {part}" if part else title


def draw_sweeps(path: Path, swept: Sequence[tuple[Sweep, Sequence[tuple[int, Answers]]]]) -> None:
    """Draw a plot for each sweep, side by side."""
    with mpl.rc_context(_STYLE):
        picture = Figure(figsize=(4.2 * len(swept), 3.6), layout="constrained")
        for axes, (sweep, points) in zip(picture.subplots(1, len(swept), squeeze=False)[0], swept, strict=True):
            for name in (*PEERS, OURS):
                known = [(size, cost(answers[name])) for size, answers in points if name in answers]
                if known:
                    style = {"color": _COLOURS[name], "marker": _MARKS[name], "markersize": 4, "label": name}
                    axes.plot([size for size, _ in known], [value for _, value in known], **style)
            sizes = [size for size, _ in points]
            # Logarithmic, except for a sweep that begins at no connections.
            if min(sizes) > 0:
                axes.set_xscale("log")
                axes.set_xticks(sizes, [str(size) for size in sizes])
                axes.minorticks_off()
            axes.set_ylim(bottom=0)
            axes.set_title(sweep.title)
            axes.set_xlabel(sweep.label)
            axes.set_ylabel("µs a delivered message")
            axes.legend(frameon=False)
        _save(picture, path)


def draw_held(path: Path, figures: Sequence[dict[str, float]]) -> None:
    """Draw memory, sockets and threads over the time in which connections were held, one figure for each second."""
    minutes = [figure["at_s"] / 60 for figure in figures]
    shown = [
        ("resident memory, MiB", [figure["resident_bytes"] / 2**20 for figure in figures]),
        ("sockets", [figure["sockets"] for figure in figures]),
        ("threads", [figure["threads"] for figure in figures]),
    ]
    with mpl.rc_context(_STYLE):
        picture = Figure(figsize=(9.5, 6), layout="constrained")
        for axes, (label, values) in zip(picture.subplots(len(shown), 1, sharex=True), shown, strict=True):
            axes.plot(minutes, values, color=_COLOURS[OURS], lw=1.2)
            axes.set_ylim(0, max(values) * 1.15)
            axes.set_ylabel(label)
        axes.set_xlabel("minutes")
        _save(picture, path)


def _save(picture: Figure, path: Path) -> None:
    drawn = io.StringIO()
    picture.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    path.write_text("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()))
