"""Reading the configuration again while the daemon runs, because a signal asks for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from chatroom.chat.log_line import Level
from chatroom.chat.reload import use_settings
from chatroom.errors import ChatroomError

if TYPE_CHECKING:
    from chatroom.server.daemon_runtime import LoadSettings
    from chatroom.server.hub import Hub

_PATIENCE_S = 5.0
"""How long a reload that the service manager waits for may take to come into force."""


def use_new_settings(hub: Hub, load_settings: LoadSettings) -> None:
    """Read the configuration and wait until it is in force. From a thread of its own."""
    used = threading.Event()
    try:
        settings = load_settings()
    except ChatroomError as error:
        hub.screen.show([f"the configuration stays as it was: {error}"], level=Level.WARNING)
        return

    def use() -> None:
        hub.world.log_line(str(use_settings(hub.world, settings)))
        used.set()

    hub.post(0, use)
    used.wait(_PATIENCE_S)
