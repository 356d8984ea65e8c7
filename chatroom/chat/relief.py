"""Relief when a tick cannot be done, for lack of memory or because of a bug: the sessions that caused it are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World

HOG_BYTES = 65_536
"""A session to which one tick has more than this to say has asked for it."""
OVERLOADED = "The server could not answer: too much at once"


def relieve(world: World, failed: Session | None = None) -> bool:
    """Close the sessions that caused a failure in this tick, and drop what they have not read.

    These are the sessions with the longest answers. If no answer is long, it is ``failed``, the session whose line
    failed; or all sessions whose lines ran in this tick, if it was none's. Return False if nothing could be closed.
    """
    causes = world.outbox.find_hogs(HOG_BYTES)
    if not causes and failed is not None:
        causes = [failed]
    elif not causes:
        causes = [session for session in world.own_sessions() if session.heard_mono_ms == world.mono_ms]
    causes = [session for session in causes if not world.has_ended(session)]
    for session in causes:
        world.outbox.forget(session)  # of all first: closing the first one needs memory too
    for session in causes:
        session.labelled_reply = None
        name = session.user.nick if session.user is not None else session.address_text
        world.log_line(f"closed {name} ({session.address_text}): its lines were too much at once", LogWarning)
        world.close(session, OVERLOADED, lost=True)
    return bool(causes)
