"""Opens the listener for incoming hooks, if the settings have one. Only then is websockets imported, for its HTTP."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from chatroom.errors import ServeError
from chatroom.server.listening_sockets import keep_if_wanted

if TYPE_CHECKING:
    from chatroom.config.observing import Hooks
    from chatroom.server.hook_listener import HookListener


def open_hooks(settings: Hooks, handed: socket.socket | None = None) -> HookListener | None:
    """Listen for incoming hooks, if the settings say so. Raises ``ServeError``.

    ``handed`` is the listening socket of the daemon before this one, if it had one.
    """
    handed = keep_if_wanted(handed, settings.address if settings.listen else None)
    if not settings.listen:
        return None
    from chatroom.server.hook_listener import HookListener

    try:
        return HookListener(*settings.address, handed)
    except OSError as error:
        raise ServeError(f"hooks.listen {settings.listen}: {error.strerror or error}") from error
