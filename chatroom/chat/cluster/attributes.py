"""The attributes of users, channels and sessions as values that JSON can have, and back.

Moments of the monotonic clock are those of the node that writes. Who reads them adds a shift: how far its own clock is
ahead of that one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatroom.chat.ban_ends import expect_end
from chatroom.chat.handover.channel_state import (
    entry_from_state,
    entry_to_state,
    throttle_from_state,
    throttle_to_state,
)
from chatroom.chat.handover.document import caps_from_names, caps_to_names
from chatroom.chat.handover.session_state import account_data_to_state
from chatroom.chat.people.flood_modes import SlowMode
from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.stored.records import AccountEntry, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountData
    from chatroom.chat.world import World

OF_USER = (
    "account",
    "account_data",
    "away",
    "bot",
    "former_addresses",
    "invisible",
    "invited",
    "knocked_mono_ms",
    "no_ctcp",
    "realname",
    "registered_only",
    "signon_ms",
    "spoke_mono_ms",
    "wallops",
)
OF_CHANNEL = (
    "access",
    "began_after",
    "created_ms",
    "ended_bans",
    "flags",
    "forward",
    "founder_id",
    "has_history",
    "join_throttle",
    "key",
    "limit",
    "lists",
    "metadata",
    "nick_throttle",
    "slow_mode",
    "stored",
    "topic",
    "topic_by",
    "topic_ms",
    "untold",
    "used_ms",
)
OF_SESSION = ("caps", "certificate", "held", "oper", "secure", "stepped_down", "subscriptions")
"""The attributes that change and that every node knows. ``caps`` comes first: it may take the subscriptions."""

MARKER = "marker "
"""In front of the casefolded name whose read marker alone has changed: an attribute of a user."""
_BY_MONO = ("knocked_mono_ms", "spoke_mono_ms")


def account_to_state(account: AccountEntry | None) -> list[Any] | None:
    """Write the entry of an account: another node may not have read it yet."""
    return None if account is None else [account.id, account.name, int(account.role), *account[3:]]


def account_from_state(state: list[Any] | None) -> AccountEntry | None:
    """Make the entry of an account. Further items, of a later version, are left out."""
    if state is None:
        return None
    account_id, name, role, *more = state
    return AccountEntry(account_id, name, Role(role), *more[: len(AccountEntry._fields) - 3])


# -- users ----------------------------------------------------------------------------------------


def user_attribute(world: World, user: User, name: str) -> Any:
    """The value of a user's attribute, for ``set_user_attribute``."""
    if name == "account":
        return account_to_state(user.account)
    if name == "account_data":
        return data_to_state(user.account_data) if user.has_account_data else None
    if name == "invited":
        return sorted(one.folded for one in user.invited if world.channels.get(one.folded) is one)
    if name.startswith(MARKER):
        return user.account_data.markers.get(name[len(MARKER) :])
    value = getattr(user, name)
    return list(value) if name == "former_addresses" else value


def set_user_attribute(world: World, user: User, name: str, value: Any, shift_ms: int) -> None:
    """Set a user's attribute, and what the world knows of it besides."""
    if name == "account":
        account = account_from_state(value)
        if account is not None and world.accounts.find_by_id(account.id) is None:
            world.accounts.put(account)
        if account != user.account:
            world.online.set_account(user, account)
    elif name == "account_data":
        if value is not None:
            fill_account_data(user.account_data, value)
    elif name == "invisible":
        world.online.set_invisible(user, value)
    elif name == "invited":
        user.invited = frozenset(world.channels[folded] for folded in value if folded in world.channels)
    elif name.startswith(MARKER):
        _set_marker(user.account_data, name[len(MARKER) :], value)
    elif name == "former_addresses":
        user.former_addresses = tuple(value)
    elif name in OF_USER:
        setattr(user, name, _shifted(value, shift_ms) if name in _BY_MONO else value)


def _set_marker(data: AccountData, folded: str, read_ms: int | None) -> None:
    if read_ms is None:
        data.markers.pop(folded, None)
    else:
        data.markers[folded] = read_ms


def data_to_state(data: AccountData) -> dict[str, Any]:
    """Write account data. What is written does not change with it: others may read it later."""
    state = account_data_to_state(data)
    return {name: dict(value) if isinstance(value, dict) else value for name, value in state.items()}


def fill_account_data(data: AccountData, state: dict[str, Any]) -> None:
    """Have account data be as the state. It stays the same object, which the account's users share."""
    data.markers, data.metadata = state.get("markers", {}), state.get("metadata", {})
    data.cleared = state.get("cleared", {})
    data.is_bot = state.get("is_bot", False)


def _shifted(moment_ms: int | None, shift_ms: int) -> int | None:
    return None if moment_ms is None else moment_ms + shift_ms


# -- channels -------------------------------------------------------------------------------------


def channel_attribute(channel: Channel, name: str) -> Any:
    """The value of a channel's attribute, for ``set_channel_attribute``."""
    write = _CHANNEL_WRITERS.get(name)
    value = getattr(channel, name)
    return value if write is None else write(channel)


def set_channel_attribute(world: World, channel: Channel, name: str, value: Any, shift_ms: int) -> None:
    """Set a channel's attribute, and what the world knows of it besides."""
    if name == "lists":
        _set_lists(world, channel, value)
    elif name == "slow_mode":
        channel.slow_mode = _slow_mode(value, world.users, shift_ms)
    elif name in ("join_throttle", "nick_throttle"):
        if value is not None:
            value = [*value[:2], [moment + shift_ms for moment in value[2]]]
        setattr(channel, name, throttle_from_state(value))
    elif name == "founder_id":
        is_new = value is not None and value != channel.founder_id
        channel.founder_id = value
        if is_new:
            world.founded.add(channel)
    elif name == "flags":
        channel.flags = frozenset(value)
    elif name == "access":
        channel.access = dict(value)
    elif name == "ended_bans":
        channel.ended_bans = tuple(map(entry_from_state, value))
    elif name == "untold":
        channel.untold = tuple(value)
    elif name in OF_CHANNEL:
        setattr(channel, name, value)


_CHANNEL_WRITERS: dict[str, Callable[[Channel], Any]] = {
    "access": lambda channel: [[account_id, level] for account_id, level in channel.access.items()],
    "ended_bans": lambda channel: [entry_to_state(entry) for entry in channel.ended_bans],
    "flags": lambda channel: "".join(sorted(channel.flags)),
    "join_throttle": lambda channel: throttle_to_state(channel.join_throttle),
    "lists": lambda channel: [entry_to_state(entry) for mode in channel.lists for entry in channel.entries(mode)],
    "metadata": lambda channel: dict(channel.metadata),
    "nick_throttle": lambda channel: throttle_to_state(channel.nick_throttle),
    "slow_mode": lambda channel: _slow_state(channel.slow_mode),
}


def _set_lists(world: World, channel: Channel, value: list[Any]) -> None:
    kept, channel.ended_bans = channel.ended_bans, ()  # ``add_mask`` would take those out that are on the list again
    channel.lists = {}
    for state in value:
        entry = entry_from_state(state)
        channel.add_mask(entry)
        expect_end(world, entry)
    channel.ended_bans = kept


def _slow_state(slow: SlowMode | None) -> list[Any] | None:
    return None if slow is None else [slow.interval_s, slow.to_state()]


def _slow_mode(value: list[Any] | None, users: Mapping[str, User], shift_ms: int) -> SlowMode | None:
    if value is None:
        return None
    interval_s, (inside, outside) = value
    slow = SlowMode(interval_s)
    here = [[folded, moment + shift_ms] for folded, moment in inside if folded in users]
    slow.use_state([here, [[key, moment + shift_ms] for key, moment in outside]], users)
    return slow


# -- sessions -------------------------------------------------------------------------------------


def session_attribute(session: Session, name: str) -> Any:
    """The value of a session's attribute, for ``set_session_attribute``."""
    if name == "caps":
        return caps_to_names(session.caps)
    if name == "oper":
        return account_to_state(session.oper)
    if name == "held":
        held = session.held
        # What waits for a token is the session's own affair; a moderator of another node may decide a request.
        return [held.name, held.email, held.request_id] if held is not None and held.request_id else None
    value = getattr(session, name)
    return list(value) if name == "subscriptions" else value


def set_session_attribute(session: Session, name: str, value: Any) -> None:
    """Set a session's attribute. The world's knowledge of ranks is to be brought up to it."""
    if name == "caps":
        session.set_capabilities(caps_from_names(value))
    elif name == "oper":
        session.oper = account_from_state(value)
    elif name == "held":
        session.held = HeldRegistration(value[0], value[1], "", value[2]) if value is not None else None
    elif name == "subscriptions":
        session.subscriptions = tuple(value)
    elif name in OF_SESSION:
        setattr(session, name, value)
