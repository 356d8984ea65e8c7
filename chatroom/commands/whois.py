"""WHOIS: what there is to know about somebody.

Source: Modern IRC Client Protocol, "WHOIS message".
"""

from __future__ import annotations

from chatroom.chat.channel import prefixes
from chatroom.chat.records import Role
from chatroom.chat.user import User
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.table import command
from chatroom.irc import caps, numerics

_CHANNELS_BYTES = 350


@command("WHOIS", "[<server>] <nick>")
def whois(context: Context, params: list[str]) -> Pending | None:
    """Tells about somebody: account, channels, idle time."""
    nick = params[1] if len(params) > 1 else params[0]
    user = context.world.find_user(nick)
    if user is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
    else:
        _reply_whois(context, user)
    context.reply(numerics.RPL_ENDOFWHOIS, printable(nick))
    return None


def _reply_whois(context: Context, user: User) -> None:
    world = context.world
    server = world.settings.server
    nick = user.nick
    context.reply(numerics.RPL_WHOISUSER, nick, user.username, user.host, "*", text=user.realname)
    line = ""
    for channel, standing in ((channel, channel.members[user]) for channel in user.channels):
        hidden = context.user not in channel.members and ("s" in channel.flags or user.invisible)
        if hidden and context.role < Role.MODERATOR:
            continue
        word = prefixes(standing, bool(context.session.caps & caps.MULTI_PREFIX)) + channel.name
        if line and len(line) + len(word) > _CHANNELS_BYTES:
            context.reply(numerics.RPL_WHOISCHANNELS, nick, text=line)
            line = ""
        line += word + " "
    if line:
        context.reply(numerics.RPL_WHOISCHANNELS, nick, text=line.rstrip())
    context.reply(numerics.RPL_WHOISSERVER, nick, server.name, text=server.description)
    if user.away is not None:
        context.reply(numerics.RPL_AWAY, nick, text=user.away)
    if user.is_operator and user.role is not None:
        article = "an" if user.role is Role.ADMIN else "a"
        context.reply(numerics.RPL_WHOISOPERATOR, nick, text=f"is {article} {user.role.word} of this server")
    if user.account_name is not None:
        context.reply(numerics.RPL_WHOISACCOUNT, nick, user.account_name)
    if user is context.user or context.role >= Role.MODERATOR:
        for session in user.sessions:
            context.reply(numerics.RPL_WHOISACTUALLY, nick, printable(session.address_text))
    idle_s = (world.now_ms - user.spoke_ms) // 1000
    context.reply(numerics.RPL_WHOISIDLE, nick, str(idle_s), str(user.signon_ms // 1000))
