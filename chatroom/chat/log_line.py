"""A line for the operator's log."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import ClassVar

Place = tuple[str, int, int] | tuple[str, str]
"""A place in the code where lines are logged: the file, the first line of the function, and the instruction; or the
module and a word for the place in it.

Not the code object, whose hash is computed anew each time it is asked for; and not the line, for which Python searches
a table."""


class Level(IntEnum):
    """How grave a log line is, by the numbers of syslog (RFC 5424, section 6.2.1): a lower one is graver."""

    ERROR = 3
    WARNING = 4
    INFO = 6

    @property
    def word(self) -> str:
        """The level as settings, commands and the log have it."""
        return self.name.lower()


class LogLine(str):
    """The text of a log line, with the place in the code that logged it.

    Lines of one place say the same of different people. So whoever writes the log can count them, and no caller has to.
    The place also tells the line's area (``chatroom.chat.log_levels``); only the thread that writes the log asks.
    """

    __slots__ = ("place",)

    level: ClassVar[Level] = Level.INFO

    place: Place

    @classmethod
    def of_caller(cls, text: str) -> LogLine:
        """Make the log line of the function that called ``World.log_line``, which must not be compiled itself."""
        line = cls(text)
        # Not by way of this function's own frame: in a local variable of itself it is a circle, which keeps it and all
        # its callers until Python looks for garbage.
        caller = sys._getframe(1)
        if caller.f_code.co_name == "log_line" and caller.f_back is not None:  # it has no frame if it is compiled
            caller = caller.f_back
        code = caller.f_code
        line.place = code.co_filename, code.co_firstlineno, caller.f_lasti
        return line


class LogWarning(LogLine):
    """A log line that an operator should do something about."""

    __slots__ = ()

    level = Level.WARNING
