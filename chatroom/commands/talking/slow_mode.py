"""Slow mode (channel mode W): one message of a user every so many seconds.

It holds for users without a standing in the channel, moderators and admins of the server excepted. A message is what
the history would keep: a PRIVMSG, a NOTICE, a multiline message (one, whatever its lines) or a reaction, and not that
the user is typing. A topic counts too, and the reason of a PART, QUIT or REDACT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World


def find_slow_refusal(world: World, channel: Channel, session: Session, user: User) -> str:
    """Why the user may not say something in the channel yet, and when it may; empty if it may now."""
    slow, standing = channel.slow_mode, channel.members.get(user)
    if slow is None or standing or session.is_operator:
        return ""
    wait_ms = slow.wait_ms(user, world.mono_ms, is_member=standing is not None)
    if not wait_ms:
        return ""
    every = "every second" if slow.interval_s == 1 else f"every {slow.interval_s} s"
    return f"Slow mode (+W) allows one message {every}, try again in {-(-wait_ms // 1000)} s"


def note_said(world: World, channel: Channel, session: Session, user: User) -> None:
    """Note that the user says something in the channel now."""
    slow = channel.slow_mode
    if slow is None:
        return
    standing = channel.members.get(user)
    if not standing and not session.is_operator:
        slow.note(user, world.mono_ms, is_member=standing is not None)
        world.note_change(channel, "slow_mode", user)
