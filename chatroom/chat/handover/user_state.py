"""A user as a document. Its sessions and channels are named by their ids and names."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from chatroom.chat.handover.document import Document, put_attributes, take_attributes
from chatroom.chat.handover.session_state import account_data_from_state, account_data_to_state
from chatroom.chat.people.user import MOST_GUEST_MESSAGES, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World

PLAIN = (
    "away",
    "wallops",
    "bot",
    "registered_only",
    "no_ctcp",
    "knocked_mono_ms",
    "signon_ms",
    "spoke_mono_ms",
)
"""The attributes that are written as they are."""
OF_NAME = ("nick", "username", "realname", "host")
"""The attributes that a user is made with."""


def user_to_state(user: User) -> Document:
    """Write a user."""
    data = user.account_data if user.account is None and user.has_account_data else None
    return {
        **take_attributes(user, OF_NAME),
        **take_attributes(user, PLAIN),
        "account": user.account.id if user.account is not None else None,
        "account_data": account_data_to_state(data) if data is not None else None,
        "guest_messages": list(user.guest_messages) if user.guest_messages is not None else None,
        "invisible": user.invisible,
        "invited": [channel.folded for channel in user.invited],
        "former_addresses": list(user.former_addresses),
        "sessions": [session.id for session in user.sessions],
        "channels": [channel.folded for channel in user.channels],
    }


def user_from_state(world: World, state: Document, sessions: Mapping[int, Session]) -> User:
    """Make a user with its sessions and put it into the world, without channels and without telling anyone."""
    user = world.user_kind(
        state["nick"],
        state["username"],
        state["realname"],
        state["host"],
        None,
        state["signon_ms"],
        state["spoke_mono_ms"],
    )
    put_attributes(user, PLAIN, state)
    if state["account"] is not None:
        user.account = world.accounts.find_by_id(state["account"])
    if user.account is not None:
        user.account_data = world.online.data_of(user.account.id)
    elif state["account_data"] is not None:
        user.account_data = account_data_from_state(state["account_data"])
    if state["guest_messages"] is not None:
        user.guest_messages = deque(state["guest_messages"], MOST_GUEST_MESSAGES)
    user.former_addresses = tuple(state["former_addresses"])
    user.sessions = [sessions[number] for number in state["sessions"]]
    for session in user.sessions:
        session.user = user
    world.users[user.folded] = user
    world.online.add(user, len(world.users))
    if state["invisible"]:
        world.online.set_invisible(user, True)
    return user
