"""The addresses that the running daemon listens on. They may differ from the configuration: flags of serve win."""

from __future__ import annotations

import re
from dataclasses import replace

from chatroom.config import Settings
from chatroom.config.serving import Listen
from chatroom.ctl.control_client import ask_status
from chatroom.ctl.invocation import Invocation
from chatroom.errors import ChatroomError

# As the daemon shows them: "127.0.0.1:6667, [::]:6697 (TLS), 0.0.0.0:8080 (websocket, TLS)".
_LISTENER = re.compile(r"(\S+):(\d+)(?: \(([^)]*)\))?(?:, |$)")


def settings_in_use(invocation: Invocation) -> Settings:
    """Return the settings with the IRC listeners of the running daemon, if one runs; for links that users open."""
    settings = invocation.settings
    if settings.server.public_address:
        return settings
    try:
        shown = ask_status(invocation).get("listening", "")
    except ChatroomError:
        return settings  # no daemon runs, or it does not say: the configuration is the best guess
    irc = read_listeners(shown)
    return replace(settings, listen=(*irc, *(one for one in settings.listen if one.kind != "irc"))) if irc else settings


def read_listeners(shown: str) -> tuple[Listen, ...]:
    """Return the IRC listeners among addresses as the daemon shows them."""
    found = [(host.strip("[]"), int(port), kinds.split(", ")) for host, port, kinds in _LISTENER.findall(shown)]
    return tuple(
        Listen(host=host, port=port, tls="TLS" in kinds) for host, port, kinds in found if "websocket" not in kinds
    )
