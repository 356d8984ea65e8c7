"""Users that are always on: they stay in their channels while none of their devices is connected.

Without a device the user has no session and is away. The next session reads what the user has missed. ``World.close``
keeps the user in the world, and the daemon restores it at its start. A ban, a KILL or a change of the account ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.chat.admission.reserved_names import is_nickserv
from chatroom.chat.people.user import NO_DEVICE
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountData, AlwaysOnUser
    from chatroom.chat.world import World


def restore_user(world: World, record: AlwaysOnUser, account_data: AccountData, places: Iterable[str]) -> None:
    """Put a user into the world under the name of its account, and into its channels, at the start.

    It sends no JOIN, because no session exists yet. ``places`` are casefolded names of channels.
    """
    account = world.accounts.find_by_id(record.account_id)
    if account is None or is_nickserv(account.name) or world.find_user(account.name) is not None:
        return
    if world.bans.find_name(casefold(account.name), world.wall_ms) is not None:
        return
    clocks = world.wall_ms, world.mono_ms
    user = world.user_kind(account.name, record.username, record.realname, record.host, None, *clocks)
    user.account, user.account_data = account, account_data
    user.away = record.away or NO_DEVICE
    user.take_modes(record.modes)
    world.add_user(user)
    world.online.set_invisible(user, "i" in record.modes)
    for folded in places:
        channel = world.channels.get(folded)
        if channel is not None and not channel.is_banned(user):
            world.join(channel, user, channel.regained_standing(account.id))


def find_alone(world: World, account_id: int) -> User | None:
    """Find the user of an account that has no session; None if there is none."""
    return next((user for user in world.online.users_of(account_id) if not user.sessions), None)
