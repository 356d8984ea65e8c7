"""The rows of ``docs/protocol.md`` that repeat what the command table says. ``make protocol`` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

import chatroom.commands  # noqa: F401  # enters every verb into the table
from chatroom.commands.command_table import COMMANDS

PATH = Path(__file__).parents[2] / "docs" / "protocol.md"
_TABLES = re.compile(r"^## (?:Commands|The control socket)\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `([A-Z]+)[^`]*` \| (.*) \|$", re.MULTILINE)
_CELL_END = re.compile(r"(?<!\\) \| ")


def refreshed(page: str) -> str:
    """The page with the parameters and the summary of each verb as the command table has them now.

    The cell behind them stays as it is, and so do rows of verbs that are not in the table.
    """
    return _TABLES.sub(lambda table: _ROW.sub(_refresh, table[0]), page)


def _refresh(row: re.Match[str]) -> str:
    command = COMMANDS.get(row[1])
    if command is None:
        return row[0]
    cells = _CELL_END.split(row[2], maxsplit=1)
    cells[0] = _markdown(command.summary)
    return f"| `{f'{command.verb} {command.params}'.rstrip()}` | {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    """A text as a cell of a table shows it: without escapes, ``<nick>`` is an HTML tag and ``|`` ends the cell."""
    if text.endswith(":"):
        text = text[:-1] + "."  # a list follows in HELP, and none here
    return re.sub(r"([\\|<*])", r"\\\1", text)


if __name__ == "__main__":
    PATH.write_text(refreshed(PATH.read_text()))
