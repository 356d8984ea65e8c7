"""The screen of a terminal, with what pyte leaves out: the alternate screen, and the kitty protocol for keys."""

from __future__ import annotations

import copy
import re
from typing import Any

import pyte

_KITTY = re.compile(r"\x1b\[[<=>][\d;]*u")
"""How a program asks for, and gives back, the kitty protocol for keys."""
_UNFINISHED = re.compile(r"\x1b(\[[<=>]?[\d;]*)?\Z")
_ALTERNATE = 1049


class TerminalScreen(pyte.Screen):
    """Shows the alternate screen while a program takes it, and then what was there before."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self._stream = pyte.Stream(self)
        self._unfinished = ""
        self._before: tuple[Any, Any] | None = None

    def feed(self, data: str) -> None:
        """Take what a program writes. A sequence may be cut anywhere."""
        data = self._unfinished + data
        cut = _UNFINISHED.search(data)
        self._unfinished = cut.group() if cut else ""
        self._stream.feed(_KITTY.sub("", data[: cut.start()] if cut else data))

    def set_mode(self, *modes: int, **given: bool) -> None:
        """Turn modes on, such as the alternate screen."""
        super().set_mode(*modes, **given)
        if given.get("private") and _ALTERNATE in modes and self._before is None:
            self._before = copy.deepcopy(self.buffer), copy.copy(self.cursor)
            self.erase_in_display(2)

    def reset_mode(self, *modes: int, **given: bool) -> None:
        """Turn modes off."""
        super().reset_mode(*modes, **given)
        if given.get("private") and _ALTERNATE in modes and self._before is not None:
            (self.buffer, self.cursor), self._before = self._before, None
            self.dirty.update(range(self.lines))
