"""Which log lines are written: a level for each area of the code.

An area is a folder of the code: a package, or for verbs the folder in ``chatroom/commands``.
"""

from __future__ import annotations

from functools import lru_cache

from chatroom.chat.log_line import Level

AREAS = (
    *("server", "storage", "chat", "commands"),
    *("about", "connecting", "operating", "presence", "reading", "rooms", "talking"),
)
"""All areas. ``server`` has the threads and sockets, ``chat`` the rules, ``commands`` the dispatch of verbs."""
EVERY_AREA = "all"
"""The word that stands for all areas in a command."""
_PACKAGE = __file__.removesuffix("chat/log_levels.py")


@lru_cache(maxsize=256)
def area_of(name: str) -> str:
    """Return the area of a file or a module of the code. Code outside of all areas counts as the server's."""
    if "/" not in name:
        name = name.removeprefix("chatroom.").replace(".", "/")
    first, *rest = name.removeprefix(_PACKAGE).split("/")
    folder = rest[0] if first == "commands" and len(rest) > 1 else first
    return folder if folder in AREAS else "server"


class LogLevels:
    """The level of each area. One thread at a time changes them; the thread that writes the log reads them."""

    def __init__(self, level: Level = Level.INFO) -> None:
        self._levels = dict.fromkeys(AREAS, level)

    def list_all(self) -> dict[str, Level]:
        """Return for each area the level that a line must have, or a graver one, to be written. From any thread."""
        return dict(self._levels)

    def change(self, area: str, level: Level) -> None:
        """Set the level of an area, or of all (``EVERY_AREA``)."""
        changed = AREAS if area == EVERY_AREA else (area,)
        self._levels = {**self._levels, **dict.fromkeys(changed, level)}
