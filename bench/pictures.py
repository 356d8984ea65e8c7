"""The pictures of ``results.md``, as SVG that is the same for the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cases import OURS, PEERS, Sweep
from matplotlib.figure import Figure
from report import Answers, Judged, cost, number

_COLOURS = {"ngIRCd": "#8c8c8c", "InspIRCd": "#c9a227", OURS: "#1f6f8b"}
_MARKS = {"ngIRCd": "s", "InspIRCd": "^", OURS: "o"}
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
    """Each row that was done by the peers too: every server's cost, where the better peer's is 1."""
    figures = [
        (each.row.title, figure)
        for each in judged
        if each.row.references == PEERS
        for figure in each.figures[:2]
        if figure.ratio is not None and (figure is each.figures[0] or figure.measure.ratio is not None)
    ]
    if not figures:
        return
    with mpl.rc_context(_STYLE):
        picture = Figure(figsize=(9, 1.2 + 0.62 * len(figures)), layout="constrained")
        axes = picture.subplots()
        axes.grid(axis="y", visible=False)
        for place, (_, figure) in enumerate(figures):
            best = min(figure.medians[name] for name in PEERS if name in figure.medians)
            for offset, name in enumerate(name for name in (*PEERS, OURS) if name in figure.medians):
                value = figure.medians[name]
                at = place + (offset - 1) * 0.26
                axes.barh(at, value / best, 0.24, color=_COLOURS[name], label=name if place == 0 else None)
                axes.text(value / best + 0.02, at, number(value), va="center", fontsize=8)
            if figure.measure.ratio is not None:
                axes.plot([figure.measure.ratio] * 2, [place - 0.42, place + 0.42], color="#b3261e", lw=1.5)
        axes.axvline(1, color="black", lw=0.8)
        axes.plot([], [], color="#b3261e", lw=1.5, label="what ours may cost")
        axes.set_yticks(range(len(figures)), [f"{title}\n{figure.measure.unit}" for title, figure in figures])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("cost, where the better of the C daemons is 1 (at the bars: the figures themselves)")
        axes.legend(loc="lower right", frameon=False)
        _save(picture, path)


def draw_sweeps(path: Path, swept: Sequence[tuple[Sweep, Sequence[tuple[int, Answers]]]]) -> None:
    """A plot each sweep, side by side."""
    with mpl.rc_context(_STYLE):
        picture = Figure(figsize=(4.2 * len(swept), 3.6), layout="constrained")
        for axes, (sweep, points) in zip(picture.subplots(1, len(swept), squeeze=False)[0], swept, strict=True):
            for name in (*PEERS, OURS):
                known = [(size, cost(answers[name])) for size, answers in points if name in answers]
                if known:
                    style = {"color": _COLOURS[name], "marker": _MARKS[name], "markersize": 4, "label": name}
                    axes.plot([size for size, _ in known], [value for _, value in known], **style)
            sizes = [size for size, _ in points]
            # A decade where there is one to see; connections begin at none.
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


def _save(picture: Figure, path: Path) -> None:
    picture.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
