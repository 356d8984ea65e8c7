"""Draw what the daemon used while it held thousands of connections: ``make bench-held`` measures and draws it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median

from pictures import draw_held


def main() -> None:
    """Read the figures of ``tests/e2e/test_held_load.py``, draw them, and print what the picture says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="the file that the test wrote (HELD_FIGURES)")
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    options = parser.parse_args()
    figures = json.loads(options.figures.read_text())
    draw_held(options.picture, figures)
    memory = [figure["resident_bytes"] / 2**20 for figure in figures]
    tenth = max(1, len(memory) // 10)
    print(f"{figures[-1]['at_s'] / 60:.1f} minutes, {median(figure['sockets'] for figure in figures):.0f} sockets")
    print(f"threads: {min(f['threads'] for f in figures)} to {max(f['threads'] for f in figures)}")
    print(f"resident MiB: {memory[0]:.1f} at first, {memory[tenth]:.1f} after a tenth, {memory[-1]:.1f} at the end")
    print(f"a PING is answered in {median(figure['wait_ms'] for figure in figures):.1f} ms (median)")


if __name__ == "__main__":
    main()
