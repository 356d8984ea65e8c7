"""What the verbs about channels share: to find the channel, and to judge the user's rights in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.channel import OP, Channel
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context, printable
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.people.user import User


def acts_by_right(context: Context, channel: Channel) -> bool:
    """True if the user has an operator's rights in the channel: as channel operator, moderator or admin."""
    return bool(channel.members.get(context.user, 0) & OP) or context.role >= Role.MODERATOR


def is_audited(context: Context, channel: Channel) -> bool:
    """True if what the user does in the channel goes into the audit, of which nothing is ever deleted.

    What guests do to each other in a channel of their own does not: they could fill the database with it.
    """
    return channel.stored or context.role >= Role.MODERATOR


def is_hidden(context: Context, channel: Channel) -> bool:
    """True if the session must not learn that the channel is there: it is secret (+s), and the user is outside.

    It is not hidden from users with an invitation or a standing in it, nor from moderators and admins: to them every
    verb answers as if the channel were not secret. No verb has a rule of its own about mode s.
    """
    if "s" not in channel.flags or context.role >= Role.MODERATOR:
        return False
    user = context.session.user
    if user is None or user in channel.members or channel in user.invited:
        return user is None
    return user.account is None or not channel.regained_standing(user.account.id)


def sees_member(context: Context, channel: Channel, member: User) -> bool:
    """True if the session may know that ``member`` is in the channel.

    Outside the channel, and unless it is a moderator's or an admin's, it does not see invisible users (+i).
    """
    if context.user in channel.members or context.role >= Role.MODERATOR:
        return True
    return not member.invisible and not is_hidden(context, channel)


def find_visible(context: Context, name: str) -> Channel | None:
    """Return the channel called ``name``. If there is none, or it is hidden, refuse (403) and return None."""
    channel = context.world.find_channel(name)
    if channel is None or is_hidden(context, channel):
        channel = None
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
    return channel
