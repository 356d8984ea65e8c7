"""Watching the database's files and its disk: what is gone, how much is free, and whether the reserve is there.

It runs in the store worker, between its jobs. Each thing is logged once, when it becomes so and when it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogLine, LogWarning

if TYPE_CHECKING:
    from chatroom.chat.world import World
    from chatroom.server.inbox import Task
    from chatroom.storage.write_guard import WriteGuard

_MIB = 1024 * 1024
_ENOUGH = 1.1
"""A warning is over if so many times its level is free, so a disk around the level is not warned of again and again."""


class DiskWatch:
    """Belongs to the store worker's thread; ``facts`` may be called from any."""

    def __init__(self, world: World, post: Callable[[Task], None], guard: WriteGuard) -> None:
        self._world = world
        self._post = post
        self._guard = guard
        self._fault = ""
        self._free: int | None = None
        """What was free at the last look, in bytes; None if it could not be found out."""
        self._was_short = False
        self._is_low = False
        """True if the operator was told that little room is left."""

    def look(self) -> None:
        """Look at the files and the disk, and post what has changed to the log."""
        guard = self._guard
        guard.log_fault = guard.file.find_log_fault()
        fault = guard.find_fault()
        if fault and fault != self._fault:
            self._log(f"{fault}: messages are refused until it is back, or the daemon starts again", LogWarning)
        elif self._fault and not fault:
            self._log("the database is back in its place")
        self._fault = fault
        if not fault:
            self._look_at_disk()

    def _look_at_disk(self) -> None:
        reserve = self._guard.reserve
        try:
            self._free = reserve.look()
        except OSError:
            self._free = None
            return
        is_short = reserve.is_short
        if is_short and not self._was_short:
            self._log(
                "the disk is full: messages are refused, and what is left is kept for bans and accounts", LogWarning
            )
        elif self._was_short and not is_short:
            self._log("the disk has room again")
        self._was_short = is_short
        self._warn_if_low(self._free)

    def _warn_if_low(self, free: int) -> None:
        warn_mb = self._world.settings.database.warn_free_mb
        if not self._is_low and free < warn_mb * _MIB:
            self._is_low = True
            self._log(
                f"warning: {free // _MIB} MiB are free on the database's disk, less than database.warn_free_mb"
                f" ({warn_mb}); history.max_size_mb bounds the history",
                LogWarning,
            )
        elif self._is_low and free >= warn_mb * _MIB * _ENOUGH:
            self._is_low = False
            self._log(f"{free // _MIB} MiB are free on the database's disk again")

    def facts(self) -> dict[str, str]:
        """What ``STATUS`` says of the disk."""
        free = "unknown" if self._free is None else f"{self._free // _MIB} MiB free"
        if self._is_low:
            free += ", less than database.warn_free_mb"
        return {"disk": "full; the rest is kept for bans and accounts" if self._guard.reserve.is_short else free}

    def _log(self, text: str, kind: type[LogLine] = LogLine) -> None:
        self._post(lambda: self._world.log_line(text, kind))
