"""A line for the operator's log."""

from __future__ import annotations

import sys
from collections.abc import Hashable


class LogLine(str):
    """The text of a log line, with the place in the code that logged it.

    Lines of one place say the same of different people. So whoever writes the log can count them, and no caller has to.
    """

    __slots__ = ("place",)

    place: Hashable
    """The code and the line of the call."""

    @classmethod
    def of_caller(cls, text: str) -> LogLine:
        """Make the log line of the function that called the caller of this one."""
        line = cls(text)
        # Not by way of this function's own frame: in a local variable of itself it is a circle, which keeps it and all
        # its callers until Python looks for garbage.
        caller = sys._getframe(2)
        line.place = caller.f_code, caller.f_lineno
        return line
