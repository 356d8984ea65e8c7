"""What follows an account in memory when it gets another name, and what its users read of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.stored.records import Actor
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry, StoredChannel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World


def carry_name(world: World, old: AccountEntry, new: AccountEntry) -> None:
    """Have the users, read markers and channel masks of an account follow it. The new name is no guest's nick.

    The database has it already (``AccountStore.rename``).
    """
    before, after = casefold(old.name), casefold(new.name)
    world.log_line(f"renamed the account {old.name} to {new.name}")
    if before != after:
        world.online.rename_target(world.users.values(), before, after)
    for user in list(world.online.users_of(new.id)):
        if user.folded == before and world.find_user(new.name) in (None, user):
            world.rename(user, new.name)
        world.tell_notice(user, f"Your account was renamed by an admin: log in as {new.name} from now on")
    for channel in list(world.channels.values()):
        changed = channel.rename_account(old.name, new.name)
        for mode, mask_before, mask in changed:
            line = f"MODE {channel.name} -{mode}+{mode} {mask_before} {mask}"
            world.tell_channel(channel, world.outbox.event(world.settings.server.name, line))
        if changed and channel.stored:
            # Again, because an earlier change of the channel can have been on its way to the database.
            world.work.write(partial(_save, record=channel.to_record()))


def _save(stores: Stores, record: StoredChannel) -> None:
    stores.channels.save(record, Actor("server", "daemon"), "", "")
