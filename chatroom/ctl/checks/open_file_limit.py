"""The limit of open files: each connection is one."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

from chatroom.ctl.checks.scene import Scene
from chatroom.findings import Finding
from chatroom.server.connection_counter import KEPT_FILES

_FEW = 1024
"""Fewer connections than this are worth a word, if the configuration does not say how many there should be."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield a finding if the limit leaves no room for the connections that there may be."""
    files = read_limit(scene.daemon_pid)
    if files is None:
        return
    whose = "the daemon" if scene.daemon_pid is not None else "a daemon started from here"
    limits = scene.settings.limits
    wanted = limits.connections if limits.enabled else 0
    most = files - KEPT_FILES
    if wanted > most:
        yield Finding(
            f"limits.connections is {wanted}, and {whose} can have {max(most, 1)}: its limit of open files is {files}",
            f'raise the limit to {wanted + KEPT_FILES} (LimitNOFILE= in a systemd unit, "ulimit -Hn" in a shell)',
        )
    elif not wanted and most < _FEW:
        yield Finding(
            f"{whose} can have {max(most, 1)} connections: its limit of open files is {files}",
            'raise the limit (LimitNOFILE= in a systemd unit, "ulimit -Hn" in a shell), or set limits.connections',
        )


def read_limit(pid: int | None) -> int | None:
    """Return the limit of open files of a process, or of one that this one starts; None if there is none.

    It is the hard limit: the daemon raises its own to that.
    """
    if pid is None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return None if files == resource.RLIM_INFINITY else files
    try:
        text = Path(f"/proc/{pid}/limits").read_text()
    except OSError:
        return None
    words = next((line.split() for line in text.splitlines() if line.startswith("Max open files")), [])
    return int(words[4]) if len(words) > 4 and words[4].isdecimal() else None
