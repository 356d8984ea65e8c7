"""What the verbs about channels share: to find the channel, and to judge the user's rights in it."""

from __future__ import annotations

from chatroom.chat.people.channel import OP, Channel
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context, printable
from chatroom.irc import numerics


def acts_by_right(context: Context, channel: Channel) -> bool:
    """True if the user has an operator's rights in the channel: as channel operator, moderator or admin."""
    return bool(channel.members.get(context.user, 0) & OP) or context.role >= Role.MODERATOR


def find_visible(context: Context, name: str) -> Channel | None:
    """Return the channel called ``name``. If there is none, refuse (403) and return None."""
    channel = context.world.find_channel(name)
    if channel is None:
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
    return channel
