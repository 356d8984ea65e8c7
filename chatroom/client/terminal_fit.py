"""If the terminal can have the full screen."""

from __future__ import annotations

import os
import sys

LEAST_COLUMNS = 24
LEAST_ROWS = 6
"""In a smaller terminal a prompt with lines above it shows more."""


def can_take_full_screen() -> bool:
    """True if the terminal is large enough, and stderr is one too, because Textual draws there."""
    try:
        columns, rows = os.get_terminal_size()
    except OSError:
        return False
    return sys.stderr.isatty() and columns >= LEAST_COLUMNS and rows >= LEAST_ROWS
