"""The spam filters on the way of texts that other users read, in all verbs that carry one.

Sessions with the rights of a moderator or an admin are exempt. Passwords never come here: no text to NickServ is
compared with anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.durations import format_duration
from chatroom.chat.filter_actions import act_on
from chatroom.chat.stored.records import Role

if TYPE_CHECKING:
    from chatroom.commands.context import Context


def find_refusal(context: Context, text: str) -> str:
    """Return why the user must not say the text to others; empty if it may.

    If a filter matches, it has its effect on the user (``chat.filter_actions``). The user is still there when this
    returns.
    """
    world, session = context.world, context.session
    spam, user = world.spam, session.user
    if not spam.is_on or user is None or session.rank >= Role.MODERATOR:
        return ""
    if spam.mutes:
        mute = spam.mutes.find(user, session, world.settings, world.mono_ms)
        if mute is not None:
            left_s = -(-(mute.until_mono_ms - world.mono_ms) // 1000)
            return f"You are muted for {format_duration(left_s)}: {mute.reason}"
    found = spam.filters.find(text) if text else None
    return "" if found is None else act_on(world, session, user, user.nick, found)


def find_name_refusal(context: Context, nick: str, text: str = "") -> str:
    """Return why a user must not have a nick, or a text such as the real name; empty if it may. As ``find_refusal``.

    For a session that is not registered yet too. A mute is no reason.
    """
    world, session = context.world, context.session
    user, registration = session.user, session.registration
    if not world.spam.filters:
        return ""
    account = registration.account if registration is not None else None
    rank = session.rank if account is None else max(session.rank, account.role)
    if rank >= Role.MODERATOR:
        return ""
    found = next((found for text in (nick, text) if text and (found := world.spam.filters.find(text))), None)
    named = nick or (registration.nick if registration is not None else "") or "*"
    return "" if found is None else act_on(world, session, user, named, found)
