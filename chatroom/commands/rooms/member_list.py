"""NAMES: the members of a channel.

Source: Modern IRC Client Protocol, "NAMES message"; IRCv3 multi-prefix and userhost-in-names.
"""

from __future__ import annotations

from chatroom.chat.people.channel import Channel, prefixes
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.limits import NAMES_TARGETS


def reply_names(context: Context, channel: Channel) -> None:
    """List the members that the user may see, in as many lines as needed."""
    session = context.session
    sees_all = context.user in channel.members or context.role >= Role.MODERATOR
    multiple = bool(session.caps & caps.MULTI_PREFIX)
    full = bool(session.caps & caps.USERHOST_IN_NAMES)
    words = [
        (prefixes(standing, multiple) if standing else "") + (member.prefix if full else member.nick)
        for member, standing in channel.members.items()
        if sees_all or not member.invisible
    ]
    context.reply_words(numerics.RPL_NAMREPLY, "@" if "s" in channel.flags else "=", channel.name, words=words)
    context.reply(numerics.RPL_ENDOFNAMES, channel.name)


@command("NAMES", "[<channels>]")
def names(context: Context, params: list[str]) -> Pending | None:
    """Lists the members of one or more channels, at most ten, separated by commas."""
    if not params:
        context.reply(numerics.RPL_ENDOFNAMES, "*")
        return None
    # A client that names a channel twice gets one list.
    wanted = list(dict.fromkeys(params[0].split(",")))
    if len(wanted) > NAMES_TARGETS:
        text = f"At most {NAMES_TARGETS} channels at a time"
        context.reply(numerics.ERR_TOOMANYTARGETS, printable(params[0]), text=text)
        return None
    for name in wanted:
        channel = context.world.find_channel(name)
        # A hidden channel is answered as one that does not exist: an end without a list, and no error.
        if channel is None or is_hidden(context, channel):
            context.reply(numerics.RPL_ENDOFNAMES, printable(name))
        else:
            reply_names(context, channel)
    return None
