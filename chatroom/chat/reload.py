"""Putting new settings into force while the daemon runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chatroom.chat.enforcement import free_reserved_nicks
from chatroom.chat.log_levels import EVERY_AREA
from chatroom.chat.log_line import Level
from chatroom.chat.offered_capabilities import announce
from chatroom.chat.stored_channels import store_channels
from chatroom.config import Settings, changed_keys

if TYPE_CHECKING:
    from chatroom.chat.world import World
    from chatroom.config.chatting import History
    from chatroom.config.serving import Server


def use_settings(world: World, settings: Settings) -> str:
    """Put new settings into force. Return what changed and what needs a restart, in words. Needs the hub lock."""
    old = world.settings
    changed = changed_keys(old, settings)
    waiting = sorted({key.path for key in changed if key.applies == "restart"})
    applied = sorted({key.path for key in changed} - set(waiting))
    server = _running_server(old.server, settings.server)
    history = _running_history(old.history, settings.history)
    log = replace(settings.log, format=old.log.format, file=old.log.file)
    world.settings = replace(
        settings, listen=old.listen, database=old.database, server=server, history=history, log=log, metrics=old.metrics
    )
    if log.level != old.log.level:
        world.runtime.log_levels.change(EVERY_AREA, Level[log.level.upper()])
    world.ledger.use_settings(history)
    stored = {channel.folded for channel in world.channels.values() if channel.stored}
    world.configure_channels()
    added = [channel for channel in world.channels.values() if channel.stored and channel.folded not in stored]
    store_channels(world, added)
    announce(world, old)
    if settings.accounts.reserved_names != old.accounts.reserved_names:
        free_reserved_nicks(world)
    text = f"configuration read again, changed: {', '.join(applied) or 'nothing'}"
    return text + (f"; needs a restart: {', '.join(waiting)}" if waiting else "")


def _running_server(old: Server, new: Server) -> Server:
    """Return the new ``[server]`` section, with the old values of keys that only a restart changes."""
    return replace(new, name=old.name, network=old.network, io_threads=old.io_threads)


def _running_history(old: History, new: History) -> History:
    """Do the same as ``_running_server`` for ``[history]``. Clients are then offered what the daemon really does."""
    return replace(new, enabled=old.enabled, synchronous=old.synchronous)
