"""Scheduled backups: whether they are made, and who can read them."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatroom.chat.admission.durations import format_duration
from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.output import moment
from chatroom.findings import Finding
from chatroom.storage.sqlite.scheduled_copies import BackupDirectory

_SLACK = timedelta(hours=1)
"""How much later than due a backup may be: a failed one is tried again every ten minutes."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with the backups of a set-up that has them made. Why one failed, the daemon says."""
    every = timedelta(seconds=scene.settings.backup.every)
    directory = scene.settings.backup_directory
    if not isinstance(scene.database, Path) or not every or scene.daemon.get("backup", "good") != "good":
        return
    now = datetime.now(UTC)
    newest = next((one for one in BackupDirectory(directory, scene.database).list_all() if one.made_at <= now), None)
    if newest is None:
        yield Finding(
            f"there is no backup in {directory}", 'start the daemon, which makes one, or run "chatroomctl reload"'
        )
        return
    if now - newest.made_at > every + _SLACK:
        due = format_duration(scene.settings.backup.every)
        yield Finding(
            f"the newest backup is of {moment(newest.made_at)}, and one is due every {due}",
            "start the daemon; if it runs, its log says why none was made",
        )
    mode = stat.S_IMODE(os.stat(directory).st_mode)
    if mode & 0o022 and not mode & stat.S_ISVTX:
        yield Finding(
            f"{directory}: other users can delete the backups", f"run: chmod 0700 {shlex.quote(str(directory))}"
        )
