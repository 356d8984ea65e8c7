"""KICK: removing users from a channel.

Source: Modern IRC Client Protocol, "KICK message".
"""

from __future__ import annotations

from chatroom.chat.people.channel import OP, Channel
from chatroom.chat.stored.entries import Kind
from chatroom.commands.channel_rules import acts_by_right, find_visible, is_audited
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.irc import numerics
from chatroom.irc.limits import KICK_BYTES
from chatroom.irc.names import casefold


@command("KICK", "<channels> <nicks> [<reason>]", stores=True)
def kick(context: Context, params: list[str]) -> Pending | None:
    """Removes users from a channel: one or more nicks, separated by commas.

    With as many channels as nicks, each user is removed from the channel at the same position.
    """
    names, nicks = params[0].split(","), params[1].split(",")
    if not any(nicks) or (len(names) > 1 and len(names) != len(nicks)):
        context.reply(numerics.ERR_NEEDMOREPARAMS, "KICK")
        return None
    reason = context.use_reason(params, 2, KICK_BYTES)
    if not reason or find_refusal(context, reason):
        reason = context.user.nick
    refused: set[str] = set()  # one refusal is enough for a channel that is named several times
    for name, nick in zip(names if len(names) > 1 else names * len(nicks), nicks, strict=True):
        if casefold(name) in refused:
            continue
        channel = _find_operated(context, name)
        if channel is None:
            refused.add(casefold(name))
        elif nick:
            _kick_one(context, channel, nick, reason)
    return None


def _find_operated(context: Context, name: str) -> Channel | None:
    """The channel, if the user may kick there; otherwise None, after a refusal."""
    channel = find_visible(context, name)
    if channel is None or acts_by_right(context, channel):
        return channel
    inside = context.user in channel.members
    context.reply(numerics.ERR_CHANOPRIVSNEEDED if inside else numerics.ERR_NOTONCHANNEL, channel.name)
    return None


def _kick_one(context: Context, channel: Channel, nick: str, reason: str) -> None:
    world = context.world
    target = world.find_user(nick)
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
        return
    if target not in channel.members:
        context.reply(numerics.ERR_USERNOTINCHANNEL, target.nick, channel.name)
        return
    if target.rank > context.role and not channel.members.get(context.user, 0) & OP:
        # A channel's own operators kick anyone. Who only has the rights of a moderator there does not kick an admin.
        text = f"{target.nick} is {target.rank.with_article}, which is more than you are"
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name, text=text)
        return
    event = world.outbox.event(context.source, f"KICK {channel.name} {target.nick} :{reason}", context.user, channel)
    # In the order of ``joining.depart``, and for the same reasons.
    world.ledger.add_event(event, Kind.KICK, channel, f"{target.nick} {reason}", context.user)
    world.whereabouts.depart(target, channel)
    world.tell_channel(channel, event, skip=context.session)
    world.leave(channel, target)
    context.say(event)
    world.log_line(f"{target.nick} was kicked from {channel.name} by {context.nick}: {reason}")
    if not is_audited(context, channel):
        return
    actor, detail = context.actor, f"{target.nick}: {reason}"
    world.work.write(lambda stores: stores.audit.add(actor, "channel.kick", channel.name, detail))
