"""KNOCK: asking the operators of a channel for an invitation.

It has no specification. The numerics 710 to 714 are those of ratbox and its successors, 480 is that of UnrealIRCd.
"""

from __future__ import annotations

from chatroom.chat.people.channel import OP
from chatroom.commands.channel_rules import find_visible
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.errors import InvalidValue
from chatroom.irc import numerics
from chatroom.irc.limits import KNOCK_BYTES

_INTERVAL_MS = 60_000
"""The rate limit of a user: one knock a minute, whatever the channel, because each disturbs all operators."""


@command("KNOCK", "<channel> [<text>]")
def knock(context: Context, params: list[str]) -> Pending | None:
    """Asks the operators of a channel for an invitation, if you cannot just join it."""
    world, user = context.world, context.user
    channel = find_visible(context, params[0])
    if channel is None:
        return None
    full = channel.limit is not None and len(channel.members) >= channel.limit
    if user in channel.members:
        context.reply(numerics.ERR_KNOCKONCHAN, channel.name)
    elif channel.is_banned(user):
        context.reply(numerics.ERR_CANNOTKNOCK, channel.name, text="Cannot knock on channel (you are banned)")
    elif not ("i" in channel.flags or channel.key is not None or full):
        context.reply(numerics.ERR_CHANOPEN, channel.name)
    elif (
        world.settings.limits.enabled
        and user.knocked_mono_ms is not None
        and world.mono_ms - user.knocked_mono_ms < _INTERVAL_MS
    ):
        context.reply(numerics.ERR_TOOMANYKNOCK, channel.name)
    else:
        text = params[1] if len(params) > 1 else ""
        if len(text.encode()) > KNOCK_BYTES:
            raise InvalidValue(f"The text of a KNOCK has at most {KNOCK_BYTES} bytes")
        user.knocked_mono_ms = world.mono_ms
        why = find_refusal(context, text)
        if why:
            context.reply(numerics.ERR_CANNOTKNOCK, channel.name, text=f"Cannot knock on channel: {why}")
            return None
        asks = f"has asked for an invite: {text}" if text else "has asked for an invite"
        for member, standing in channel.members.items():
            if standing & OP:
                for session in member.sessions:
                    line = f"{numerics.RPL_KNOCK.code} {member.nick} {channel.name} {user.prefix} :{asks}"
                    world.tell_session(session, f":{context.server} {line}")
        context.reply(numerics.RPL_KNOCKDLVR, channel.name)
    return None
