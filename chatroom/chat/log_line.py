"""A line for the operator's log."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import ClassVar


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

    place: tuple[str, int, int]
    """Where the call is: the file, the first line of the function, and the instruction.

    Not the code object, whose hash is computed anew each time it is asked for; and not the line, for which Python
    searches a table."""

    @classmethod
    def of_caller(cls, text: str) -> LogLine:
        """Make the log line of the function that called the caller of this one."""
        line = cls(text)
        # Not by way of this function's own frame: in a local variable of itself it is a circle, which keeps it and all
        # its callers until Python looks for garbage.
        caller = sys._getframe(2)
        code = caller.f_code
        line.place = code.co_filename, code.co_firstlineno, caller.f_lasti
        return line


class LogWarning(LogLine):
    """A log line that an operator should do something about."""

    __slots__ = ()

    level = Level.WARNING
