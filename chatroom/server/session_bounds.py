"""The beginning and the end of a connection's session. All of it needs the hub lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.line_rates import limit_lines
from chatroom.commands.connecting.registration import start
from chatroom.commands.connecting.webirc import refuse, take_forwarded
from chatroom.commands.context import Context
from chatroom.server.connection import SEND_QUEUE_EXCEEDED

if TYPE_CHECKING:
    from chatroom.chat.world import World
    from chatroom.server.connection import Connection
    from chatroom.server.websocket import Forwarded


def begin_session(world: World, connection: Connection, thread: int, forwarded: Forwarded | None) -> None:
    """Begin the session of a connection. ``thread`` is the index of the thread that owns it.

    ``forwarded`` is what a proxy said of the client, if one did.
    """
    session = connection.session
    session.thread, session.connection = thread, connection
    session.opened_mono_ms = session.heard_mono_ms = world.mono_ms
    if session.control is not None:
        return
    if world.settings.limits.enabled:
        limit_lines(session, world.settings)
    if forwarded is None:
        start(world, session)
        return
    refusal = take_forwarded(world, session, forwarded.address, https=forwarded.https)
    start(world, session)
    if refusal is not None:
        refuse(Context(world, session, ""), refusal)


def end_session(world: World, connection: Connection) -> None:
    """End the session of a connection whose peer is gone."""
    session = connection.session
    if not session.closing:
        if connection.ended == SEND_QUEUE_EXCEEDED:
            world.runtime.counts.send_queue_drops += 1
        if session.user is not None:
            world.log_line(f"left: {session.user.nick} ({connection.ended})", at=(__name__, "left"))
        world.close(session, connection.ended, tell=False, lost=connection.is_lost)


def end_flood(world: World, connection: Connection) -> None:
    """End the session of a connection of which too many lines wait."""
    session = connection.session
    if session.user is not None:
        world.log_line(f"left: {session.user.nick} (Excess flood)", at=(__name__, "flood"))
    world.runtime.counts.floods += 1
    world.close(session, "Excess flood")
