"""The snapshot: the whole world as a document, for a node that joins the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatroom.chat.cluster.attributes import account_to_state, data_to_state, fill_account_data
from chatroom.chat.cluster.documents import (
    channel_from_document,
    channel_to_document,
    session_to_document,
    shadow_from_document,
    user_from_document,
    user_to_document,
)
from chatroom.chat.delivery.replies import tell_last
from chatroom.chat.handover.document import Document
from chatroom.chat.people.accept_lists import AcceptLists
from chatroom.chat.people.founded_channels import FoundedChannels
from chatroom.chat.people.online_directory import OnlineDirectory
from chatroom.chat.people.whowas import WhowasList
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.people.session import Session


def snapshot_to_document(world: ClusterWorld) -> Document:
    """Write the world, between two turns. JSON can have the document, and it does not change with the world."""
    online = world.online
    accounts = {user.account.id: user.account for user in world.users.values() if user.account is not None}
    return {
        "mono": world.mono_ms,
        "seq": world.last_seq,
        "latest": world.turn_times.latest_ms,
        "clock": world.turn_times.clock_ms,
        "most_users": online.most_users,
        "guests": online.last_guest_number,
        "account_data": [
            [account_id, data_to_state(online.account_data[account_id])]
            for account_id in accounts
            if account_id in online.account_data
        ],
        "accounts": [account_to_state(account) for account in accounts.values()],
        "users": [_user_to_document(world, user) for user in world.users.values()],
        "channels": [channel_to_document(channel) for channel in world.channels.values()],
        "accepted": world.accepts.to_state(),
        "whowas": world.whowas.to_state(),
        "mutes": world.spam.mutes.to_state(),
        "tries": {key: list(moments) for key, moments in world.throttle.to_state().items()},
        "actions": dict(world.actions.to_state()),
        "lockdown": world.lockdown.to_state(),
    }


def _user_to_document(world: ClusterWorld, user: Any) -> Document:
    document = user_to_document(world, user)
    document["sessions"] = [[world.home_of(session), session_to_document(session)] for session in user.sessions]
    document["channels"] = [channel.folded for channel in user.channels]
    return document


def load_snapshot(world: ClusterWorld, document: Document) -> None:
    """Fill a world without registered users. All sessions of the document are those of other nodes."""
    shift_ms = world.mono_ms - document["mono"]
    with world.recorder.quiet():
        _load(world, document, shift_ms)
    world.recorder.clear()
    # What this node's own settings name, and the others do not know, is told them in the next turn.
    world.configure_channels()


def _load(world: ClusterWorld, document: Document, shift_ms: int) -> None:
    world.last_seq = document["seq"]
    world.turn_times.note(document.get("clock", 0), document["latest"])
    world.outbox.times.go_on(document["latest"])
    for one in document["users"]:
        shadows = [shadow_from_document(world, world.shadow_kind, home, session) for home, session in one["sessions"]]
        user = user_from_document(world, one, shadows, shift_ms)
        world.online.show_rank(user)  # a session may have rights by OPER
    for account_id, state in document.get("account_data", ()):
        fill_account_data(world.online.data_of(account_id), state)
    known = {casefold(one["name"]) for one in document["channels"]}
    for folded in [folded for folded in world.channels if folded not in known]:
        del world.channels[folded]  # it was deleted since this node has read the database
    for one in document["channels"]:
        channel = channel_from_document(world, one, shift_ms)
        world.channels[channel.folded] = world.channels.pop(channel.folded)  # in the order of the document
    for one in document["users"]:
        user = world.users[casefold(one["nick"])]
        user.channels = {world.channels[folded]: None for folded in one["channels"] if folded in world.channels}
        invited = one.get("invited", ())
        user.invited = frozenset(world.channels[folded] for folded in invited if folded in world.channels)
    world.accepts.use_state(document.get("accepted", ()), world.users)
    world.whowas.use_state(document.get("whowas", ()))
    mutes = [[key, nick, until_ms + shift_ms, *more] for key, nick, until_ms, *more in document.get("mutes", ())]
    world.spam.mutes.use_state(mutes)
    world.spam.look()
    world.throttle.use_state(
        {key: [moment + shift_ms for moment in moments] for key, moments in document.get("tries", {}).items()}
    )
    world.actions.use_state({key: moment + shift_ms for key, moment in document.get("actions", {}).items()})
    if "lockdown" in document:
        world.lockdown.use_state(*document["lockdown"])
    world.online.most_users = max(document.get("most_users", 0), len(world.users))
    world.online.last_guest_number = document.get("guests", 0)


def _empty(world: ClusterWorld) -> None:
    """Empty the directories and tables. They stay the same objects: others hold them."""
    unregistered, online = world.online.unregistered, world.online
    OnlineDirectory.__init__(online)
    online.unregistered = unregistered
    WhowasList.__init__(world.whowas)
    AcceptLists.__init__(world.accepts)
    FoundedChannels.__init__(world.founded)
    world.users, world.channels = {}, {}
    world.spam.mutes.use_state([])
    world.throttle.use_state({})
    world.actions.use_state({})


def tell_end(world: ClusterWorld, session: Session, text: str) -> None:
    """Tell a session of this node why its connection ends."""
    last = f"ERROR :Closing Link: {session.address_text} ({text})"
    tell_last(world.outbox, session, last, world.settings.server.name)


def reset(world: ClusterWorld, text: str) -> None:
    """End all registered sessions of this node, which read why, and empty the world for a snapshot.

    Sessions that are not registered stay: they have seen nothing of the world.
    """
    with world.recorder.quiet():
        for session in list(world.own_sessions()):
            if session.user is None:
                continue
            world.outbox.settle(session)
            tell_end(world, session, text)
            session.closing = True
            world.monitors.clear(session)
            world.outbox.closed.append(session)
        for channel in world.channels.values():
            for session in list(channel.sessions):
                world.outbox.drop_replay(channel, session)
        for user in world.users.values():
            for session in user.sessions:
                session.user = None
                world.sessions.pop(session.id, None)
            user.sessions = []
        _empty(world)
    world.recorder.clear()
    world.unshown.forget_all()
    world.deferred_ends = {}
    world.has_turn = False
