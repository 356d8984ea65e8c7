"""docs/comparison.md has no figures but those that were measured."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_figure_is_one_of_the_measurements() -> None:
    """A cost that the page names stands in bench/results.md; a new run of the bench reminds of the page."""
    figures = re.findall(r"([0-9.]*[0-9]) (µs|ms|KB)", (ROOT / "docs" / "comparison.md").read_text())
    assert len(figures) >= 10
    cells = {cell.strip() for cell in (ROOT / "bench" / "results.md").read_text().split("|")}
    assert [figure for figure, _ in figures if figure not in cells] == []
