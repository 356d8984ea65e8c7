"""TOPIC: the topic of a channel.

Source: Modern IRC Client Protocol, "TOPIC message".
"""

from __future__ import annotations

from chatroom.chat.people.channel import Channel
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import acts_by_right, find_visible
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.rooms.saving_channels import save_and_tell
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.messages import may_tell
from chatroom.commands.talking.slow_mode import find_slow_refusal, note_said
from chatroom.errors import InvalidValue
from chatroom.irc import numerics
from chatroom.irc.limits import TOPIC_BYTES


def reply_topic(context: Context, channel: Channel) -> None:
    """Show the topic, and its author and time. The channel must have one."""
    context.reply(numerics.RPL_TOPIC, channel.name, text=channel.topic)
    context.reply(numerics.RPL_TOPICWHOTIME, channel.name, channel.topic_by, str(channel.topic_ms // 1000))


@command("TOPIC", "<channel> [<topic>]")
def topic(context: Context, params: list[str]) -> Pending | None:
    """Shows or sets the topic of a channel. An empty topic removes it."""
    channel = find_visible(context, params[0])
    if channel is None:
        return None
    inside = context.user in channel.members
    if len(params) < 2:
        if channel.topic:
            reply_topic(context, channel)
        else:
            context.reply(numerics.RPL_NOTOPIC, channel.name)
        return None
    if not inside and context.role < Role.MODERATOR:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        return None
    if "t" in channel.flags and not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
        return None
    if params[1] and not may_tell(context, channel, params[1]):
        # Without mode t any member sets the topic, but not with words that it could not say there.
        refusal = find_slow_refusal(context.world, channel, context.session, context.user)
        context.reply(numerics.ERR_CANNOTSENDTOCHAN, channel.name, text=refusal or None)
        return None
    if len(params[1].encode()) > TOPIC_BYTES:
        raise InvalidValue(f"A topic has at most {TOPIC_BYTES} bytes")
    why = find_refusal(context, params[1])
    if why:
        context.reply(numerics.ERR_CANNOTSENDTOCHAN, channel.name, text=why)
        return None
    if params[1]:
        note_said(context.world, channel, context.session, context.user)
    channel.topic = params[1]
    channel.topic_by = context.user.prefix
    channel.topic_ms = context.world.wall_ms
    return save_and_tell(context, channel, "TOPIC", [f":{channel.topic}"], "channel.topic", channel.topic)
