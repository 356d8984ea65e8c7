"""The sections of the settings about watching the server: the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chatroom.config.keys import setting
from chatroom.config.values import FilePath, Text


@dataclass(frozen=True, slots=True)
class Log:
    """The log: one line for each event.

    ``chatroomctl log level`` changes the level of one area of the running server.
    """

    format: str = setting(
        "text",
        Text('"text" or "json"', r"text|json"),
        "text: lines for people. json: a JSON object on each line, with the keys time (UTC), level, area and message.",
        applies="restart",
    )
    level: str = setting(
        "info",
        Text('"error", "warning" or "info"', r"error|warning|info"),
        "Which events are written. error: faults of the program. warning: also what an operator should look at. "
        "info: also who comes and goes, and what operators do.",
    )
    file: Path | None = setting(
        None,
        FilePath("the path of a file, or nothing", is_optional=True),
        "The file to write to, which is made with mode 0600. Empty: stderr. If the file is moved away, as logrotate "
        "does, the next event is written to a new one.",
        applies="restart",
    )
