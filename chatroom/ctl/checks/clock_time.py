"""The clock, as far as a program can judge it: by what was stored before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import chatroom
from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.output import moment
from chatroom.errors import ChatroomError
from chatroom.findings import Finding
from chatroom.storage.opening import inspect

_TOLERANCE = timedelta(minutes=1)
"""The time of a line may be ahead of the clock by a second, see ``conversation_times``."""
_SET = "set the clock of this machine, and let NTP keep it"


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what shows that the clock is wrong, or was."""
    now = datetime.now(UTC)
    installed_at = datetime.fromtimestamp(Path(chatroom.__file__).stat().st_mtime, UTC)
    if now + _TOLERANCE < installed_at:
        yield Finding(f"the clock says {moment(now)}, and this program was installed at {moment(installed_at)}", _SET)
    try:
        with inspect(scene.database) as inspection:
            said_at, done_at = inspection.newest_entry_at(), inspection.newest_audit_at()
    except ChatroomError:  # a finding of its own
        return
    for what, at in (("newest message", said_at), ("last change by an operator", done_at)):
        if at is not None and at > now + _TOLERANCE:
            yield Finding(
                f"the {what} is of {moment(at)}, and the clock says {moment(now)}: it is behind, or was ahead then",
                _SET,
            )
