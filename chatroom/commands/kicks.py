"""Taking people out of a channel: KICK.

Source: Modern IRC Client Protocol, "KICK message".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.channel import Channel
from chatroom.chat.records import Role
from chatroom.commands.channels import acts_by_right, find_visible, shorten
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.table import command
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.user import User

KICK_BYTES = 255


@command("KICK", "<channel> <nicks> [<reason>]")
def kick(context: Context, params: list[str]) -> Pending | None:
    """Takes people, by comma, out of a channel."""
    channel = find_visible(context, params[0])
    if channel is None:
        return None
    if context.user not in channel.members and context.role < Role.MODERATOR:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        return None
    if not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
        return None
    reason = shorten(params[2], KICK_BYTES) if len(params) > 2 and params[2] else context.user.nick
    for nick in params[1].split(","):
        target = context.world.find_user(nick)
        if target is None:
            context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
        elif target not in channel.members:
            context.reply(numerics.ERR_USERNOTINCHANNEL, target.nick, channel.name)
        else:
            _kick_one(context, channel, target, reason)
    return None


def _kick_one(context: Context, channel: Channel, target: User, reason: str) -> None:
    world = context.world
    event = world.event(context.source, f"KICK {channel.name} {target.nick} :{reason}", context.user)
    world.tell_channel(channel, event, skip=context.session)
    world.leave(channel, target)
    context.say(event)
    world.note(f"{target.nick} was kicked from {channel.name} by {context.nick}: {reason}")
    actor, detail = context.actor, f"{target.nick}: {reason}"
    world.remember(lambda stores: stores.audit.add(actor, "channel.kick", channel.name, detail))
