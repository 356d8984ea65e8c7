"""Sessions that are yet to be shown what they missed: what is said meanwhile waits behind that, for them alone.

A channel's further events (``hold``, ``release``) and the session's own further lines (``hold_back``, ``go_on``).
Everything here runs under the hub lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World


def hold(world: World, channel: Channel, session: Session) -> list[Event]:
    """Let what is said in a channel wait, for one session in it, until ``release``; the list of what waits."""
    world.outbox.settle(session)
    channel.sessions.discard(session)
    waiting = channel.held[session] = []
    return waiting


def release(world: World, channel: Channel, session: Session) -> None:
    """Tell a session what waited for it, and the rest as it is said."""
    waiting = channel.held.pop(session, ())
    world.outbox.settle(session)
    for event in waiting:
        line = event.render(session.variant)
        if line:
            world.outbox.copy_to_session(session, line, event)  # under a number of its own: it waited until now
    if not session.closing:
        channel.sessions.add(session)


def hold_back(session: Session) -> None:
    """Let a session's further lines wait until ``go_on`` is called as often: what is asked of it comes first."""
    session.replays += 1
    session.waiting = True


def go_on(world: World, session: Session) -> None:
    """End what ``hold_back`` began."""
    session.replays -= 1
    if not session.replays and not session.closing:
        session.waiting = False
        world.work.resumed.append(session)
