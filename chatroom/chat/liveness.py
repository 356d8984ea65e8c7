"""Whether a silent session is still there: PING, and what happens without an answer.

Moments here are milliseconds on a clock that never jumps, not the time of day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.session import Session
    from chatroom.chat.world import World


def look_after(world: World, session: Session, now_ms: int) -> int:
    """Ask a session that has been silent for too long, or end it; when to look at it again.

    Only for sessions that are not closing; one that this closed need not be looked at again.
    """
    limits = world.settings.limits
    if session.registration is not None:
        due_ms = session.opened_ms + int(limits.registration_timeout_s * 1000)
        if now_ms >= due_ms and not session.waiting:
            world.note(f"refused {session.address_text}: said too little for too long")
            world.close(session, "Registration timed out")
        return max(due_ms, now_ms + 1000)
    interval_ms = int(limits.ping_interval_s * 1000)
    timeout_ms = int(limits.ping_timeout_s * 1000)
    silent_ms = now_ms - session.heard_ms
    if silent_ms < interval_ms:
        session.pinged = False
        return session.heard_ms + interval_ms
    if not session.pinged:
        session.pinged = True
        world.tell_session(session, f":{world.settings.server.name} PING :{world.settings.server.name}")
        return now_ms + timeout_ms
    text = f"Ping timeout: {silent_ms // 1000} seconds"
    if session.user is not None:
        world.note(f"left: {session.user.nick} ({text})")
    world.close(session, text)
    return now_ms
