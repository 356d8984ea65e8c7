"""Checking that a silent session is still alive: PING, and the end of the session if no answer comes.

Moments here are milliseconds of the monotonic clock. Everything here runs under the hub lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World

CROWDED_TIMEOUT_S: Final = 15.0
"""After how many seconds a registration ends at the latest if the server is nearly full. A client that sends a password
by itself takes one or two."""


def look_after(world: World, session: Session, mono_ms: int) -> int:
    """Send PING to a session that has been silent for too long, or end it. Return when to look at it again.

    The session must not be closing. If this closes it, there is no need to look again.
    """
    limits = world.settings.limits
    interval_ms = int(limits.ping_interval_s * 1000)
    timeout_ms = int(limits.ping_timeout_s * 1000)
    if session.registration is not None:
        due_ms = session.opened_mono_ms + _registration_ms(world)
        if mono_ms >= due_ms and not session.waiting:  # while its password is checked, the client can say nothing
            world.log_line(f"refused {session.address_text}: said too little for too long", at=(__name__, "too slow"))
            world.close(session, "Registration timed out")
        return max(min(due_ms, mono_ms + interval_ms), mono_ms + 1000)
    if session.heard_mono_ms < session.pinged_mono_ms:  # nothing came since the last PING
        if mono_ms - session.pinged_mono_ms >= timeout_ms:
            _give_up(world, session, mono_ms - session.heard_mono_ms)
        return session.pinged_mono_ms + timeout_ms
    if mono_ms - session.heard_mono_ms < interval_ms:
        return session.heard_mono_ms + interval_ms
    session.pinged_mono_ms = mono_ms
    world.tell_session(session, f":{world.settings.server.name} PING :{world.settings.server.name}")
    return mono_ms + timeout_ms


def forgive_stall(session: Session, late_ms: int, mono_ms: int) -> None:
    """Give a session time anew after the daemon itself did nothing for ``late_ms``: stopped, or without a processor.

    Nobody is ended for a silence that the daemon has caused: an answer may have come meanwhile and be unread.
    """
    if session.registration is not None:
        session.opened_mono_ms += late_ms
    elif session.heard_mono_ms < session.pinged_mono_ms:
        session.pinged_mono_ms = mono_ms


def first_look_ms(world: World, mono_ms: int) -> int:
    """Return when to look at a new session first: when its registration or its first silence may be too long.

    How long the registration may take is asked then, and not for each connection that begins.
    """
    limits = world.settings.limits
    return mono_ms + int(min(limits.registration_timeout_s, CROWDED_TIMEOUT_S, limits.ping_interval_s) * 1000)


def _registration_ms(world: World) -> int:
    """How long a registration may take: less while only reserved places are left, so that none is held by silence."""
    settings = world.settings
    timeout_s, places = settings.limits.registration_timeout_s, world.runtime.scarce_places(settings)
    if places is not None and timeout_s > CROWDED_TIMEOUT_S and not places.has_one_for(None, settings.limits):
        timeout_s = CROWDED_TIMEOUT_S
    return int(timeout_s * 1000)


def _give_up(world: World, session: Session, silent_ms: int) -> None:
    text = f"Ping timeout: {silent_ms // 1000} seconds"
    if session.user is not None:
        world.log_line(f"left: {session.user.nick} ({text})", at=(__name__, "silent"))
    world.close(session, text)
