"""What the verbs about channels share: finding the channel, and who may act in it."""

from __future__ import annotations

from chatroom.chat.people.channel import OP, Channel
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context, printable
from chatroom.irc import numerics


def acts_by_right(context: Context, channel: Channel) -> bool:
    """Whether the user may act as operator there: a channel operator, a moderator or an admin."""
    return bool(channel.members.get(context.user, 0) & OP) or context.role >= Role.MODERATOR


def find_visible(context: Context, name: str) -> Channel | None:
    """The channel called ``name``; refuses (403) where there is none."""
    channel = context.world.find_channel(name)
    if channel is None:
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
    return channel
