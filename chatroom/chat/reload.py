"""Putting new settings into force while the daemon runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatroom.chat.enforcement import free_reserved_nicks
from chatroom.chat.log_levels import EVERY_AREA
from chatroom.chat.log_line import Level
from chatroom.chat.offered_capabilities import announce
from chatroom.chat.stored_channels import store_channels
from chatroom.config import SettingChange, Settings, find_changes, settings_without_restart

if TYPE_CHECKING:
    from chatroom.chat.world import World


@dataclass(frozen=True, slots=True)
class Reload:
    """What a reload has done."""

    applied: tuple[SettingChange, ...]
    """What is in force now."""
    waiting: tuple[SettingChange, ...]
    """What the daemon will use after a restart only; also what earlier reloads have left waiting."""

    def __str__(self) -> str:
        """Return what changed and what needs a restart, in one line. It names the keys and no values."""
        text = f"configuration read again, changed: {_names(self.applied) or 'nothing'}"
        return text + (f"; needs a restart: {_names(self.waiting)}" if self.waiting else "")


def use_settings(world: World, settings: Settings) -> Reload:
    """Put new settings into force, except those that only a restart changes. Needs the hub lock."""
    old = world.settings
    new = settings_without_restart(old, settings)
    world.settings = new
    if new.log.level != old.log.level:
        world.runtime.log_levels.change(EVERY_AREA, Level[new.log.level.upper()])
    world.ledger.use_settings(new.history)
    stored = {channel.folded for channel in world.channels.values() if channel.stored}
    world.configure_channels()
    added = [channel for channel in world.channels.values() if channel.stored and channel.folded not in stored]
    store_channels(world, added)
    announce(world, old)
    if new.accounts.reserved_names != old.accounts.reserved_names:
        free_reserved_nicks(world)
    reload = Reload(tuple(find_changes(old, new)), tuple(find_changes(new, settings)))
    world.runtime.waiting_for_restart = _names(reload.waiting)
    return reload


def _names(changes: tuple[SettingChange, ...]) -> str:
    return ", ".join(sorted(change.key.path for change in changes))
