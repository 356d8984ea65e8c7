"""The people of a node that is gone, and what they have missed: all that it has not told them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.cluster.shadow import Shadow
    from chatroom.chat.cluster.told import Told
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.stores import Stores


def close_home(world: ClusterWorld, home: str, text: str, told: Told | None = None) -> None:
    """End all sessions of a node that is gone, in a turn. What it has not told its people, they have missed.

    None: they have read everything until now.
    """
    # In the order in which they came, whichever node does it: the table of one that joined later has another.
    shadows = [shadow for _, shadow in sorted(world.sessions.by_home.get(home, {}).items())]
    of_account: defaultdict[int, list[Shadow]] = defaultdict(list)
    read: dict[User, int] = {}
    for shadow in shadows:
        user = shadow.user
        if told is not None and user is not None:
            read[user] = min(read.get(user, told.seq), _find_told(world, told, shadow))
            if user.account is not None:
                of_account[user.account.id].append(shadow)
    # It is stored when the last user of an account leaves, under whatever nick, and counts for all of them.
    least = {
        account_id: _find_least(world, told, several) for account_id, several in of_account.items() if told is not None
    }
    later = {
        user.account.id
        for user in read
        # Its sessions stand in the order in which they came. An earlier one may be on a node that has died, too.
        if user.account is not None and user.sessions[0] in shadows
    }
    _correct_stored(world, shadows)
    for shadow in shadows:
        account = shadow.user.account if shadow.user is not None else None
        seq, unshown = least.get(account.id, (None, ())) if account is not None else (None, ())
        with world.whereabouts.read_up_to(seq, unshown):
            world.close(shadow, text)  # a node that stood still tells it when it goes on
    for account_id, (seq, unshown) in least.items():
        if account_id in later:
            _store_gap(world, account_id, seq, unshown)
    for user, after in read.items():
        for session in user.sessions:
            world.show_missed(session, after)


def _store_gap(world: ClusterWorld, account_id: int, seq: int, unshown: Collection[str]) -> None:
    """Have it stored how far an account had read that is there still, with a further device.

    That one is shown the rest now. If its node dies before it has done so, the account is shown it when it comes back.
    """
    users = [user for user in world.online.users_of(account_id) if user.sessions]
    places = {"", *(channel.folded for user in users for channel in user.channels)} - set(unshown)
    if users and places:
        world.work.write(lambda stores: stores.presence.raise_left(account_id, places, seq))


def _correct_stored(world: ClusterWorld, shadows: Sequence[Shadow]) -> None:
    """Have it stored where the accounts of a node are that is gone, and their read markers: it may not have done that.

    Before their end, which takes them from there. If they come back on another node, that reads their markers.
    """
    accounts = {shadow.user.account.id for shadow in shadows if shadow.user is not None and shadow.user.account}
    channels = {
        account_id: {
            channel.folded for user in world.online.users_of(account_id) if user.sessions for channel in user.channels
        }
        for account_id in accounts
    }
    markers = {
        account_id: dict(user.account_data.markers)
        for account_id in accounts
        for user in world.online.users_of(account_id)
        if user.has_account_data and user.account_data.markers
    }
    if channels:
        world.work.write(partial(_correct_places, channels=channels, joined_ms=world.wall_ms))
    if markers:
        world.work.write(partial(_raise_markers, markers=markers))


def _correct_places(stores: Stores, channels: Mapping[int, Collection[str]], joined_ms: int) -> None:
    stores.presence.correct(channels, joined_ms)


def _raise_markers(stores: Stores, markers: Mapping[int, Mapping[str, int]]) -> None:
    stores.account_data.raise_markers(markers)


def _find_told(world: ClusterWorld, told: Told, shadow: Shadow) -> int:
    """The last message id up to which a session was told everything, though its node died soon after another one."""
    seq, gap = told.of(shadow.id), world.sessions.gaps.get(shadow.id)
    return min(seq, gap.after) if gap is not None and seq <= gap.said_at else seq


def _find_least(world: ClusterWorld, told: Told, shadows: Sequence[Shadow]) -> tuple[int, set[str]]:
    """How far an account has read: as far as the device that was told the least.

    Also the channels of which none of its devices there was shown what it missed before, and "" for direct messages.
    """
    places = {name for shadow in shadows for name in told.unshown.get(shadow.id, ())}
    unshown = {
        place
        for place in places
        if all(place in told.unshown.get(shadow.id, ()) for shadow in shadows if _is_in(shadow, place))
    }
    return min(_find_told(world, told, shadow) for shadow in shadows), unshown


def _is_in(shadow: Shadow, place: str) -> bool:
    return not place or (shadow.user is not None and any(channel.folded == place for channel in shadow.user.channels))
