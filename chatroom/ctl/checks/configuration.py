"""The configuration: its errors, and what is valid and unsafe in it."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator

from chatroom.config import Settings, find_unsafe
from chatroom.ctl.checks.scene import Scene
from chatroom.errors import ConfigError, ServeError
from chatroom.findings import Finding


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is unsafe in a configuration without errors, and what the running daemon does not use yet."""
    yield from find_in_settings(scene.settings)
    waiting = scene.daemon.get("waits_for_restart", "")
    if waiting:
        yield Finding(f"the running daemon does not use the new value of {waiting} yet", "restart it")


def find_in_settings(settings: Settings) -> Iterator[Finding]:
    """Yield what "config check" finds in a configuration without errors."""
    yield from find_unsafe(settings)
    yield from _find_in_webroots(settings)
    source = settings.source
    if source is not None and stat.S_IMODE(os.stat(source).st_mode) & 0o022:
        yield Finding(f"{source}: other users can change it", f"run: chmod go-w {shlex.quote(str(source))}")


def _find_in_webroots(settings: Settings) -> Iterator[Finding]:
    from chatroom.server.web_files import read_files  # here, because few set-ups have one

    for listen in settings.listen:
        if listen.webroot is not None:
            left_out: list[Finding] = []
            try:
                read_files(listen.webroot, settings, left_out.append)
            except ServeError as error:
                yield Finding(f"the server will not start: {error}", f"correct webroot of port {listen.port}")
            yield from left_out


def find_errors(error: ConfigError) -> list[Finding]:
    """Return a finding for each error of a configuration that cannot be used."""
    way_out = 'correct it; "chatroomctl config show" lists all settings of a valid one'
    return [Finding(text, way_out) for text in error.errors]
