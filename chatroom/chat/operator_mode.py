"""User mode ``o``: telling a session that it has become an operator, or is none any more; and telling operators.

The mode stands for the rights of one session. Other users see it on a user if any of the user's sessions has them.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World


def operators_of(user: User) -> Set[Session]:
    """The user's sessions that are operators. Ask before a change, and pass the answer to the functions below."""
    return {session for session in user.sessions if session.is_operator}


def tell_operators(world: World, text: str, skip: Session | None = None) -> None:
    """Send a NOTICE to each session that is an operator, but ``skip``. What it says may not be for a user's others."""
    for user in world.online.operators:
        for event in world.outbox.notices(world.settings.server.name, user.nick, text):
            for session in operators_of(user) - {skip}:
                world.tell_event(session, event)


def tell_operator_mode(world: World, user: User, before: Collection[Session], skip: Session | None = None) -> None:
    """Send MODE +o or -o to each session of the user that has become an operator, or is none any more."""
    for session in user.sessions:
        if session is not skip:
            event = operator_mode_event(world, user, session, before)
            if event is not None:
                world.tell_event(session, event)


def operator_mode_event(world: World, user: User, session: Session, before: Collection[Session]) -> Event | None:
    """Make the MODE that tells one session of its change; None if nothing has changed for it."""
    if session.is_operator == (session in before):
        return None
    sign = "+" if session.is_operator else "-"
    return world.outbox.event(world.settings.server.name, f"MODE {user.nick} {sign}o")
