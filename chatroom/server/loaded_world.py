"""Making the world of a daemon from what the database has."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.admission.flood import MOST_KEYS
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.always_on import restore_user
from chatroom.chat.filter_actions import log_unusable
from chatroom.chat.stored_channels import restore_channels
from chatroom.chat.world import World
from chatroom.server.clocks import read_clocks

if TYPE_CHECKING:
    from chatroom.chat.delivery.ledger import Ledger
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.stored.records import AccountData, AlwaysOnUser
    from chatroom.chat.stored.stores import Stores
    from chatroom.config import Settings

    AlwaysOn = tuple[AlwaysOnUser, AccountData, list[str]]
    """A user that is always on, the data of its account, and the channels that it is in."""


def load_world(
    settings: Settings,
    stores: Stores,
    runtime: Runtime,
    ledger: Ledger,
    zone: tzinfo | None,
    kind: Callable[..., World] = World,
) -> World:
    """Return a world with all that is stored of accounts, and what ``restore`` adds.

    ``zone`` is that of times in the texts of bans; None is the zone of this machine. ``kind`` makes the world. Raises
    ``StorageError``.
    """
    # Nothing that is loaded here is garbage. Without this, Python would search it for garbage while it loads, and in
    # every full collection later.
    gc.disable()
    try:
        wall_ms, mono_ms = read_clocks()
        cloak = Cloak(stores.server_key("cloak"))
        accounts = AccountDirectory(stores.accounts.load_entries())
        world = kind(settings, runtime, cloak, wall_ms, mono_ms, accounts, ledger)
        world.bans.zone = zone
        restore(world, stores)
        log_unusable(world)
    finally:
        gc.freeze()
        gc.enable()
    return world


def begin_anew(world: World, stores: Stores) -> None:
    """Note that everybody was gone before this start, and bring back the users that are always on."""
    restore_always_on(world, load_always_on(world, stores, world.ledger.last_message_id))


def load_always_on(world: World, stores: Stores, read_up_to: int) -> list[AlwaysOn]:
    """Note that everybody is gone, and return the users that are always on. It needs no lock, and changes no world.

    ``read_up_to`` is the last message id that those who were there have read.
    """
    stores.presence.go_all(read_up_to if world.ledger.journal is not None else None)
    users = stores.presence.load_users(world.settings.accounts.always_on_max)
    data, presence = stores.account_data, stores.presence
    return [(user, data.load(user.account_id), presence.find_places(user.account_id)) for user in users]


def restore_always_on(world: World, users: Sequence[AlwaysOn]) -> None:
    """Put users that are always on into a world without them."""
    for user, data, places in users:
        restore_user(world, user, data, places)


def restore(world: World, stores: Stores) -> None:
    """Put bans, channels, filters, hooks, the lockdown and failed logins into a new world. Raises ``StorageError``."""
    for rule in stores.bans.load_rules(datetime.fromtimestamp(world.wall_ms / 1000, UTC)):
        world.bans.add(rule)
    restore_channels(world, stores.channels.load_all())
    world.spam.use(FilterSet(stores.filters.list_all()))
    world.ledger.hooks.use(stores.hooks.list_all(), stores.hooks.list_incoming())
    world.lockdown.restore(stores.lockdown.load())
    world.kept_failures.restore(stores.failed_logins.load(MOST_KEYS), world.mono_ms)
