"""Hooks: whether receivers take what they are sent, and whether incoming ones can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chatroom.chat.stored.hook_records import MOST_WAITING
from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.output import moment
from chatroom.errors import StorageError
from chatroom.findings import Finding
from chatroom.storage.opening import open_stores

_PATIENCE = timedelta(days=1)
"""How long a receiver may be down: over a night nobody mends it."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield the hooks that have failed for a day, and those for which events are lost."""
    now = datetime.now(UTC)
    try:
        with open_stores(scene.database) as stores:
            everything = [one for one in stores.hooks.list_all() if not one.paused]
    except StorageError:
        return  # what is wrong with the database is another finding
    incoming = [one for one in everything if not one.is_outgoing]
    if incoming and not scene.settings.hooks.listen:
        yield Finding(
            f"hook {incoming[0].id} ({incoming[0].channel}) is incoming, and the daemon listens for none",
            'set hooks.listen, such as "127.0.0.1:9680", and restart the daemon',
        )
    for one in everything:
        way_out = f'mend the receiver and try it with "chatroomctl hook test {one.id}", or remove the hook'
        if one.failing_since is not None and now - one.failing_since > _PATIENCE:
            since = f"has failed since {moment(one.failing_since)}"
            yield Finding(f"hook {one.id} ({one.channel}) {since}: {one.failure}", way_out)
        elif one.waiting >= MOST_WAITING:
            text = f"hook {one.id} ({one.channel}) loses events: {one.waiting} wait, and {one.dropped} were dropped"
            yield Finding(text, way_out)
