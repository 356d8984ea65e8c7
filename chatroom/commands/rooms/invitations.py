"""INVITE: inviting a user to a channel.

Source: Modern IRC Client Protocol, "INVITE message"; IRCv3 invite-notify.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.channel import Channel
from chatroom.commands.channel_rules import acts_by_right, is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.irc import caps, numerics

if TYPE_CHECKING:
    from chatroom.chat.people.user import User


@command("INVITE", "[<nick> <channel>]")
def invite(context: Context, params: list[str]) -> Pending | None:
    """Invites a user to a channel, or lists your invitations if there is no parameter."""
    if not params:
        _discard_ended(context, context.user)
        for invited in context.user.invited:
            context.reply(numerics.RPL_INVITELIST, invited.name)
        context.reply(numerics.RPL_ENDOFINVITELIST)
        return None
    if len(params) < 2:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "INVITE")
        return None
    world = context.world
    target = world.find_user(params[0])
    channel = world.find_channel(params[1])
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(params[0]))
    elif channel is None or is_hidden(context, channel):
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(params[1]))
    elif context.user not in channel.members:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
    elif "i" in channel.flags and not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
    elif target in channel.members:
        context.reply(numerics.ERR_USERONCHANNEL, target.nick, channel.name)
    elif why := find_refusal(context, ""):
        # The name of a channel can say anything, and the invited user reads it. So the server's mute counts here too.
        context.fail("CANNOT_SEND", channel.name, text=why)
    else:
        _invite_one(context, channel, target)
    return None


def _discard_ended(context: Context, user: User) -> None:
    """Discard the user's invitations to channels that have ended."""
    # ``is``, because a channel created since under the same name is another one.
    channels = context.world.channels
    user.invited = frozenset(channel for channel in user.invited if channels.get(channel.folded) is channel)


def let_in(context: Context, user: User, name: str) -> None:
    """Let a user into a channel once, on behalf of the server. Does nothing if there is no such channel now."""
    channel = context.world.find_channel(name) if name else None
    if channel is None or user in channel.members:
        return
    _discard_ended(context, user)
    user.invited |= {channel}
    context.say(context.world.outbox.event(context.server, f"INVITE {user.nick} {channel.name}"))


def _invite_one(context: Context, channel: Channel, target: User) -> None:
    world = context.world
    # This bounds the set: the ended channels would otherwise stay in memory with the user.
    _discard_ended(context, target)
    if acts_by_right(context, channel):
        # Only an operator's invitation lets the user in: a member's must not undo a ban, a key or a limit.
        target.invited |= {channel}
    context.reply(numerics.RPL_INVITING, target.nick, channel.name)
    event = world.outbox.event(context.source, f"INVITE {target.nick} {channel.name}", context.user)
    world.tell_user(target, event)
    for session in world.readers(channel):
        if session is not context.session and session.caps & caps.INVITE_NOTIFY:
            world.tell_event(session, event)
    if target.away is not None:
        context.reply(numerics.RPL_AWAY, target.nick, text=target.away)
