"""Users, channels and sessions as whole documents: for those that come, and for the snapshot."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from chatroom.chat.cluster.attributes import (
    OF_CHANNEL,
    OF_SESSION,
    OF_USER,
    account_from_state,
    channel_attribute,
    fill_account_data,
    session_attribute,
    set_channel_attribute,
    set_session_attribute,
    set_user_attribute,
    user_attribute,
)
from chatroom.chat.handover.document import Document, put_attributes, take_attributes
from chatroom.chat.people.user import MOST_GUEST_MESSAGES
from chatroom.chat.stored.records import AccountData

if TYPE_CHECKING:
    from chatroom.chat.cluster.shadow import Shadow
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

_MADE_WITH = ("id", "version", "address", "address_text", "host", "connected_ms")
_FIXED = ("gateway", "cap_version")
_OF_NAME = ("nick", "username", "realname", "host", "signon_ms")


# -- sessions -------------------------------------------------------------------------------------


def session_to_document(session: Session) -> Document:
    """Write what other nodes know of a session."""
    document = take_attributes(session, (*_MADE_WITH, *_FIXED))
    for name in OF_SESSION:
        document[name] = session_attribute(session, name)
    return document


def shadow_from_document(world: World, kind: type[Shadow], home: str, document: Document) -> Shadow:
    """Make a shadow, of the world's ``kind``, and put it into the world. It has no user yet."""
    shadow = kind(
        document["id"],
        document["address_text"],
        document["version"],
        document["address"],
        document["host"],
        document["connected_ms"],
    )
    shadow.home = home
    put_attributes(shadow, _FIXED, document)
    for name in OF_SESSION:
        if name in document:
            set_session_attribute(shadow, name, document[name])
    if shadow.oper is not None:
        world.online.opered[shadow] = None
    world.sessions[shadow.id] = shadow
    return shadow


# -- users ----------------------------------------------------------------------------------------


def user_to_document(world: World, user: User) -> Document:
    """Write a user, without its sessions and channels."""
    document = take_attributes(user, _OF_NAME)
    for name in OF_USER:
        document[name] = user_attribute(world, user, name)
    if user.guest_messages is not None:
        document["guest_messages"] = list(user.guest_messages)
    return document


def user_from_document(world: World, document: Document, sessions: list[Shadow], shift_ms: int) -> User:
    """Make a user with its sessions and put it into the world, without channels and without telling anyone."""
    user = world.user_kind(
        document["nick"],
        document["username"],
        document["realname"],
        document["host"],
        None,
        document["signon_ms"],
        world.mono_ms,
    )
    account = document.get("account")
    # The account comes first: with it the user shares its data, which is filled then.
    late = ("account", "account_data", "invisible")
    for name in OF_USER:
        if name in document and name not in late:
            set_user_attribute(world, user, name, document[name], shift_ms)
    if document.get("guest_messages"):
        user.guest_messages = deque(document["guest_messages"], MOST_GUEST_MESSAGES)
    if account is not None:
        set_account_unlisted(world, user, account)
    user.sessions = list(sessions)
    for session in sessions:
        session.user = user
    world.users[user.folded] = user
    world.online.add(user, len(world.users))
    world.online.show_rank(user)  # a session may have rights by OPER
    if document.get("account_data") is not None:
        fill_account_data(user.account_data, document["account_data"])
    if document.get("invisible"):
        world.online.set_invisible(user, True)
    return user


def set_account_unlisted(world: World, user: User, state: list[Any]) -> None:
    """Give a user that is not in the world yet its account, with the account's data."""
    user.account = account = account_from_state(state)
    if account is not None:
        if world.accounts.find_by_id(account.id) is None:
            world.accounts.put(account)
        user.account_data = world.online.account_data.get(account.id) or AccountData()


# -- channels -------------------------------------------------------------------------------------


def channel_to_document(channel: Channel) -> Document:
    """Write a channel with its members."""
    document: Document = {name: channel_attribute(channel, name) for name in OF_CHANNEL}
    document["name"] = channel.name
    document["members"] = [
        [user.folded, standing, channel.joined_after.get(user, 0)] for user, standing in channel.members.items()
    ]
    return document


def channel_from_document(world: World, document: Document, shift_ms: int) -> Channel:
    """Put a channel into the world, with its members, who get it in the order in which channels come."""
    channel = world.find_channel(document["name"]) or world.make_channel(document["name"])
    channel.rename(document["name"])
    for name in OF_CHANNEL:
        if name in document and name != "slow_mode":
            set_channel_attribute(world, channel, name, document[name], shift_ms)
    channel.slow_mode = None
    for folded, standing, joined_after in document["members"]:
        user = world.users.get(folded)
        if user is not None:
            channel.add_member(user, standing, joined_after)
    set_channel_attribute(world, channel, "slow_mode", document.get("slow_mode"), shift_ms)
    return channel
