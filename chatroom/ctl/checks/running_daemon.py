"""The running daemon: whether it answers, is of this version, and is well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chatroom import __version__
from chatroom.ctl.checks.scene import Scene, owner_name
from chatroom.ctl.daemon_troubles import find_trouble
from chatroom.findings import Finding


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what the daemon says of itself that an operator should look at. A set-up without a daemon is fine."""
    if scene.silence:
        owner = f" ({owner_name(scene.database)})" if isinstance(scene.database, Path) else ""
        yield Finding(
            f"a daemon serves {scene.database} and does not answer: {scene.silence}",
            f"run this as its user{owner}; if it is, look at the daemon's log, and restart it",
        )
    version = scene.daemon.get("version", "").removeprefix("chatroom-")
    if version and version != __version__:
        yield Finding(f"the daemon runs version {version}, and {__version__} is installed", "restart it")
    for key in scene.daemon:
        # Free space is looked at where there is no daemon, too: in ``free_disk``.
        trouble = find_trouble(key, scene.daemon) if key != "disk" else None
        if trouble is not None:
            yield trouble
