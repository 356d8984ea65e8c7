"""Scheduled backups: a thread of the daemon copies the database, checks the copy, and deletes the oldest ones.

It has a database connection of its own and never the hub lock or SQLite's write lock, so nobody who speaks waits for
it. It copies in steps, and rests as long as each has taken: the disk and a processor are free for the chat half of the
time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.chat.log_line import Level
from chatroom.errors import ChatroomError, DiskFull
from chatroom.server.loop_thread import LoopThread
from chatroom.storage.sqlite.database import SqliteDatabase
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.scheduled_copies import Backup, BackupDirectory

if TYPE_CHECKING:
    from chatroom.config import Settings

LOOK_EVERY_S = 1.0
"""How often the thread looks whether a backup is due, and whether the settings have changed."""
RETRY_S = 600.0
"""How long after a failure the next one is tried."""
_LONGEST_REST_S = 0.5
_MIB = 1024 * 1024
_LEAST_FREE = 16 * _MIB
"""A copy under way is given up if the disk has less room than this left: others fill it too."""

log = logging.getLogger(__name__)

Report = Callable[[str, Level], None]
"""Takes a line for the log. From any thread."""


@dataclass(frozen=True, slots=True)
class BackupState:
    """How the backups are. A new object for each change, so any thread reads a whole one."""

    every_s: int = 0
    """How often one is due, in seconds; 0 if none are made."""
    made_mono_s: float | None = None
    """When the newest good one was made, on the monotonic clock; None if there is none."""
    failure: str = ""
    """Why the last try failed; empty if it did not."""
    is_under_way: bool = False

    @property
    def age_s(self) -> int | None:
        """The age of the newest good backup."""
        return None if self.made_mono_s is None else int(time.monotonic() - self.made_mono_s)

    def facts(self) -> dict[str, str]:
        """What ``STATUS`` says; nothing if no backups are made."""
        if not self.every_s:
            return {}
        if self.failure:
            text = f"failed: {self.failure}"
        elif self.is_under_way:
            text = "under way"
        else:
            text = "none yet" if self.made_mono_s is None else "good"
        age_s = self.age_s
        return {"backup": text, **({} if age_s is None else {"backup_age_s": str(age_s)})}


class _Stopped(ChatroomError):
    """The daemon ends, or the settings have changed: the copy under way is given up."""


class Backups(LoopThread):
    """The thread. It reads the settings in force from ``settings``, so a reload switches it on and off."""

    def __init__(self, database: Path, settings: Callable[[], Settings], report: Report) -> None:
        super().__init__("backups")
        self.state = BackupState()
        """How the backups are. Only the thread changes it; any thread reads it."""
        self._database = database
        self._settings = settings
        self._report = report
        self._stopping = threading.Event()
        self._planned: tuple[int, Path] | None = None
        """The interval and the directory that ``_due_mono_s`` was made for; None if no backups are made."""
        self._due_mono_s = 0.0
        self._stepped_at_s = 0.0

    def stop(self, patience_s: float) -> None:
        """End after the step under way; wait at most that long for it. From any other thread."""
        self._stopping.set()
        self.join(patience_s)

    def run(self) -> None:
        """Make a backup whenever one is due, until stopped."""
        self.state = replace(self.state, is_under_way=False)
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.look()
            except _Stopped:
                pass
            except ChatroomError as error:
                self._fail(str(error))
            except OSError as error:
                self._fail(f"{error.filename or self._database}: {error.strerror or error}")
            except Exception:
                log.exception("the backup failed")
                self._fail("a fault of the program, which the log has")

    def look(self) -> None:
        """Make a backup if one is due. Raises ``ChatroomError`` and ``OSError``. From the thread."""
        settings = self._settings()
        plan = _wanted(settings)
        if plan is None:
            self._planned, self.state = None, BackupState()
        elif plan != self._planned:
            self._plan(plan)
        if self._planned is not None and time.monotonic() >= self._due_mono_s:
            self._back_up(settings)

    def _plan(self, plan: tuple[int, Path]) -> None:
        """Find out when the next backup is due: at once, or an interval after the newest that is there."""
        every_s, directory = plan
        self._planned, self._due_mono_s = plan, 0.0
        self.state = BackupState(every_s)
        now, mono_s = datetime.now(UTC), time.monotonic()
        with self._opened() as database:
            try:
                newest = BackupDirectory(directory, self._database).find_newest(database, now)
            except OSError:  # the backup that is due then says what is wrong
                newest = None
        if newest is not None:
            # By the wall clock, as there is no other across a restart. One that was wrong makes a backup too many.
            made_mono_s = mono_s - (now - newest.made_at).total_seconds()
            self.state = BackupState(every_s, made_mono_s)
            self._due_mono_s = made_mono_s + every_s

    def _back_up(self, settings: Settings) -> None:
        assert self._planned is not None
        every_s, where = self._planned
        directory = BackupDirectory(where, self._database)
        # If this fails in any way, the next try is later and not at once.
        self._due_mono_s = time.monotonic() + min(RETRY_S, every_s)
        self.state = replace(self.state, is_under_way=True)
        try:
            with self._opened() as database:
                backup = self._make(directory, database, settings)
                deleted = directory.rotate(database, settings.backup.keep, backup)
        finally:
            self.state = replace(self.state, is_under_way=False)
        mono_s = time.monotonic()
        self.state = BackupState(every_s, mono_s)
        self._due_mono_s = mono_s + every_s
        size = os.stat(backup.path).st_size / _MIB
        deletions = f"; deleted {len(deleted)} old" if deleted else ""
        self._report(f"made the backup {backup.path} ({size:.1f} MiB), checked{deletions}", Level.INFO)

    def _make(self, directory: BackupDirectory, database: SqliteDatabase, settings: Settings) -> Backup:
        self._stepped_at_s = time.monotonic()
        keep_free = max(settings.database.warn_free_mb * _MIB, _LEAST_FREE)

        def step(done: int, total: int) -> None:
            self._rest()
            self._require_wanted()
            self._require_room()

        return directory.make(
            database, datetime.now(UTC), keep_free_bytes=keep_free, progress=step, rest=self._rest_in_check
        )

    def _rest(self) -> None:
        """Wait as long as the last step has taken. Raises ``_Stopped`` when the daemon ends."""
        took_s = time.monotonic() - self._stepped_at_s
        if self._stopping.wait(min(took_s, _LONGEST_REST_S)):
            raise _Stopped("the daemon ends")
        self._stepped_at_s = time.monotonic()

    def _rest_in_check(self) -> bool:
        # SQLite calls it, and an exception would be lost.
        with contextlib.suppress(_Stopped):
            self._rest()
        return self._stopping.is_set()

    def _require_wanted(self) -> None:
        if _wanted(self._settings()) != self._planned:
            raise _Stopped("the settings have changed")

    def _require_room(self) -> None:
        assert self._planned is not None
        found = os.statvfs(self._planned[1])
        if found.f_bavail * found.f_frsize < _LEAST_FREE:
            raise DiskFull(f"{self._planned[1]}: the disk is nearly full")

    def _opened(self) -> contextlib.closing[SqliteDatabase]:
        return contextlib.closing(open_database(self._database))

    def _fail(self, why: str) -> None:
        """Note a failure. It is logged once, not at each try."""
        if self._stopping.is_set():
            return
        if why != self.state.failure:
            self._report(f"no backup could be made: {why}", Level.WARNING)
        self.state = replace(self.state, failure=why)


def _wanted(settings: Settings) -> tuple[int, Path] | None:
    """Return how often a backup is wanted, in seconds, and where; None if none is."""
    if not settings.backup.every or settings.database.url is not None:  # ``find_unsafe`` tells of the latter
        return None
    return settings.backup.every, settings.backup_directory
