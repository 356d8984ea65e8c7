"""The world as a document, and back into the world of another process.

What the database has is loaded from there first: accounts, bans, filters, stored channels, the history. The document
has the rest. The first daemon has ended all its ticks and written everything when it makes the document, and the clocks
of both are the same: the monotonic clock is the machine's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatroom.chat.handover.channel_state import channel_from_state, channel_to_state, enter_channels
from chatroom.chat.handover.document import READABLE, VERSION, Document
from chatroom.chat.handover.session_state import (
    account_data_from_state,
    account_data_to_state,
    lost_its_login,
    session_from_state,
    session_to_state,
)
from chatroom.chat.handover.user_state import user_from_state, user_to_state
from chatroom.chat.offered_capabilities import announce_changes, offered
from chatroom.chat.stored_channels import store_channels
from chatroom.errors import HandoverRefused
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World

LOGIN_AGAIN = "The server was upgraded meanwhile: log in again"
ACCOUNT_GONE = "Your account was deleted"
_KINDS = tuple((private, certified) for private in (False, True) for certified in (False, True))


@dataclass(slots=True)
class TakenOver:
    """What came out of a document."""

    sessions: dict[int, Session] = field(default_factory=dict)
    """All sessions, by their ids."""
    login_lost: list[Session] = field(default_factory=list)
    """The sessions whose login was in the middle of an exchange that cannot go on."""
    without_account: list[Session] = field(default_factory=list)
    """The sessions whose account was deleted since then."""
    offered: list[tuple[bool, bool, dict[str, str]]] = field(default_factory=list)
    """What the first daemon has offered: to sessions that are private, and that have shown a certificate."""


def world_to_state(world: World) -> Document:
    """Write the world. No tick is under way, and nothing waits to be stored."""
    online = world.online
    return {
        "version": VERSION,
        "sequence": world.outbox.seq,
        "latest_ms": world.outbox.times.latest_of_all,
        "most_users": online.most_users,
        "last_guest_number": online.last_guest_number,
        "offered": [[*kind, offered(world.settings, private=kind[0], certified=kind[1])] for kind in _KINDS],
        "account_data": {str(number): account_data_to_state(data) for number, data in online.account_data.items()},
        "sessions": [session_to_state(world, session) for session in world.sessions.values()],
        "unregistered": [session.id for session in online.unregistered],
        "users": [user_to_state(user) for user in world.users.values()],
        "channels": [channel_to_state(channel) for channel in world.channels.values()],
        "accepted": world.accepts.to_state(),
        "whowas": world.whowas.to_state(),
        "mutes": world.spam.mutes.to_state(),
        "login_tries": world.throttle.to_state(),
        "actions": world.actions.to_state(),
    }


def require_readable(version: object) -> None:
    """Raise ``HandoverRefused`` if this program does not read documents of that version."""
    if version not in READABLE:
        raise HandoverRefused(f"this program takes over no state of version {version}: restart the daemon instead")


def world_from_state(world: World, state: Document) -> TakenOver:
    """Fill a world, which has only what the database has, from the document. Nobody is told anything.

    Raises ``HandoverRefused``. A document that is not as ``world_to_state`` makes it raises ``KeyError``, ``TypeError``
    or ``ValueError``.
    """
    require_readable(state["version"])
    taken = TakenOver()
    world.outbox.go_on(state["sequence"], state["latest_ms"])
    world.throttle.use_state(state["login_tries"])
    world.actions.use_state(state["actions"])
    for number, data in state["account_data"].items():
        if world.accounts.find_by_id(int(number)) is not None:
            world.online.account_data[int(number)] = account_data_from_state(data)
    _take_sessions(world, state, taken)
    for one in state["users"]:
        user = user_from_state(world, one, taken.sessions)
        if one["account"] is not None and user.account is None:
            taken.without_account += user.sessions
    _take_channels(world, state)
    world.accepts.use_state(state["accepted"], world.users)
    world.whowas.use_state(state["whowas"])
    world.spam.mutes.use_state(state["mutes"])
    world.spam.look()
    world.online.most_users = max(state["most_users"], len(world.users))
    world.online.last_guest_number = state["last_guest_number"]
    taken.offered = [(private, certified, offers) for private, certified, offers in state["offered"]]
    return taken


def _take_sessions(world: World, state: Document, taken: TakenOver) -> None:
    opers = {}
    for one in state["sessions"]:
        session = session_from_state(world, one)
        world.sessions[session.id] = taken.sessions[session.id] = session
        for nick in one["monitored"]:
            world.monitors.add(session, nick)
        if one["oper"] is not None:
            opers[session] = world.accounts.find_by_id(one["oper"])
        if lost_its_login(one):
            taken.login_lost.append(session)
        registration = one["registration"]
        if registration is not None and registration["account"] is not None:
            assert session.registration is not None
            if session.registration.account is None:
                taken.without_account.append(session)
    for number in state["unregistered"]:
        world.online.unregistered[taken.sessions[number]] = None
    # Before the users come: their ranks are those of their sessions.
    for session, account in opers.items():
        if account is not None:
            session.oper = account
            world.online.opered[session] = None


def _take_channels(world: World, state: Document) -> None:
    newly_stored = []
    for one in state["channels"]:
        channel = channel_from_state(world, one)
        if channel.stored:
            world.founded.add(channel)
            if not one["stored"]:
                newly_stored.append(channel)
        # In the order of the document: LIST and the like show channels in that of the dict.
        world.channels[channel.folded] = world.channels.pop(channel.folded)
    for one in state["users"]:
        enter_channels(world, world.users[casefold(one["nick"])], one)
    # The settings name them since then. As they were made by that, they are stored without what they have.
    store_channels(world, newly_stored)


def greet(world: World, taken: TakenOver) -> None:
    """Tell sessions what they have to know, in the first tick: what is offered now, and whose login ended."""
    announce_changes(world, taken.offered)
    for session in taken.login_lost:
        if not session.closing:
            nick = session.user.nick if session.user is not None else "*"
            world.tell_session(
                session, f":{world.settings.server.name} {numerics.ERR_SASLFAIL.code} {nick} :{LOGIN_AGAIN}"
            )
    for session in taken.without_account:
        world.close(session, ACCOUNT_GONE, returns=False)
    for user in [user for user in world.users.values() if not user.sessions and user.account is None]:
        world.remove_user(user, ACCOUNT_GONE)
