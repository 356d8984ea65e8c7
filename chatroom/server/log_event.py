"""An event of the log, and its two forms: text for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import NamedTuple

from chatroom.chat.log_line import Level
from chatroom.irc.times import format_stamp, format_time


class LogEvent(NamedTuple):
    """What is written to the log as one event."""

    unix_s: float
    """When it happened, as Unix time in seconds."""
    level: Level
    area: str
    """One of ``chatroom.chat.log_levels.AREAS``."""
    lines: Sequence[str]
    """One line, or the several of a traceback."""
    held_back: int = 0
    """If not 0, the event counts so many events of the last minute that were held back; ``lines`` is the last one."""

    def to_text(self, zone: tzinfo | None, *, is_journal: bool) -> str:
        """Return the lines for people, each with its time in the zone; None is that of this machine.

        The systemd journal has times of its own, so its lines begin with their level instead (sd-daemon(3)).
        """
        head = f"<{int(self.level)}>" if is_journal else f"{_stamp(int(self.unix_s), zone)} "
        if self.held_back:
            head += f"… and {self.held_back:,} more like it in the last minute: "
        if len(self.lines) == 1:  # without a generator, for what most events are
            return f"{head}{_printable(self.lines[0])}\n"
        return "".join(f"{head}{_printable(line)}\n" for line in self.lines)

    def to_json(self, *, is_journal: bool) -> str:
        """Return one line with a JSON object. Its time is in UTC (ISO 8601)."""
        fields: dict[str, object] = {
            "time": format_time(int(self.unix_s * 1000)),
            "level": self.level.word,
            "area": self.area,
            "message": "\n".join(self.lines),
        }
        if self.held_back:
            fields["held_back"] = self.held_back
        head = f"<{self.level.value}>" if is_journal else ""
        # Escapes keep a line break of any kind, or half a character, from breaking the line.
        return f"{head}{json.dumps(fields)}\n"


# Most lines that are written together are of the same second.
@lru_cache(maxsize=4)
def _stamp(unix_s: int, zone: tzinfo | None) -> str:
    return format_stamp(unix_s, zone)


def _printable(line: str) -> str:
    """Return a line without control characters: a nick or text must not break or colour the log."""
    return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)
