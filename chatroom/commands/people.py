"""People: who is here, who they are, whether they are away.

Source: Modern IRC Client Protocol, "User-Based Queries" and "Optional Messages".
"""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.chat.channel import Channel, prefixes
from chatroom.chat.events import Event
from chatroom.chat.records import Role
from chatroom.chat.user import User
from chatroom.commands.channels import shorten
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.table import command
from chatroom.irc import caps, numerics
from chatroom.irc.masks import compile_mask

AWAY_BYTES = 200
REALNAME_BYTES = 150
_CHANNELS_BYTES = 350


@command("AWAY", "[<text>]")
def away(context: Context, params: list[str]) -> Pending | None:
    """Marks you as away, or as back when there is no text."""
    user = context.user
    text = shorten(params[0], AWAY_BYTES) if params and params[0] else None
    if text != user.away:
        user.away = text
        body = "AWAY" if text is None else f"AWAY :{text}"
        event = Event(user.prefix, body, account=user.account_name, needs=caps.AWAY_NOTIFY)
        context.world.tell_neighbours(user, event)
    context.reply(numerics.RPL_UNAWAY if text is None else numerics.RPL_NOWAWAY)
    return None


@command("SETNAME", "<realname>")
def setname(context: Context, params: list[str]) -> Pending | None:
    """Changes your real name."""
    user = context.user
    if not params[0] or len(params[0].encode()) > REALNAME_BYTES:
        context.fail("INVALID_REALNAME", text=f"A real name has 1 to {REALNAME_BYTES} bytes")
        return None
    user.realname = params[0]
    event = Event(user.prefix, f"SETNAME :{user.realname}", account=user.account_name, needs=caps.SETNAME)
    context.world.tell_neighbours(user, event, skip=context.session)
    context.say(event)
    return None


@command("ISON", "<nicks>")
def ison(context: Context, params: list[str]) -> Pending | None:
    """Tells which of some nicks are here."""
    wanted = [nick for param in params for nick in param.split()]
    here = [user.nick for nick in wanted if (user := context.world.find_user(nick)) is not None]
    context.reply(numerics.RPL_ISON, text=" ".join(here))
    return None


@command("USERHOST", "<nicks>")
def userhost(context: Context, params: list[str]) -> Pending | None:
    """Tells user name, host and away state of up to five nicks."""
    words = []
    for nick in [nick for param in params for nick in param.split()][:5]:
        user = context.world.find_user(nick)
        if user is not None:
            operator = "*" if user.is_operator else ""
            words.append(f"{user.nick}{operator}={'-' if user.away is not None else '+'}{user.username}@{user.host}")
    context.reply(numerics.RPL_USERHOST, text=" ".join(words))
    return None


@command("WHO", "<mask> [<options>]")
def who(context: Context, params: list[str]) -> Pending | None:
    """Lists the people in a channel, or those whose names fit a mask."""
    world, mask = context.world, params[0]
    only_operators = len(params) > 1 and params[1] == "o"
    channel = world.find_channel(mask)
    if channel is not None:
        inside = context.user in channel.members
        if inside or "s" not in channel.flags or context.role >= Role.MODERATOR:
            members: Iterable[User] = (user for user in channel.members if inside or not user.invisible)
            _reply_who(context, members, channel, only_operators)
    elif (exact := world.find_user(mask)) is not None:
        _reply_who(context, [exact], None, only_operators)
    elif not mask.startswith("#"):
        _reply_who(context, _matching(context, mask), None, only_operators)
    context.reply(numerics.RPL_ENDOFWHO, printable(mask))
    return None


def _matching(context: Context, text: str) -> Iterable[User]:
    fits = compile_mask("*" if text == "0" else text)
    for user in context.world.users.values():
        if user.invisible and not _share_channel(context.user, user) and context.role < Role.MODERATOR:
            continue
        if any(fits(word) for word in (user.nick, user.username, user.host, user.realname, user.prefix)):
            yield user


def _share_channel(one: User, other: User) -> bool:
    return one is other or any(channel in one.channels for channel in other.channels)


def _reply_who(context: Context, users: Iterable[User], channel: Channel | None, only_operators: bool) -> None:
    multiple = bool(context.session.caps & caps.MULTI_PREFIX)
    for user in users:
        if only_operators and not user.is_operator:
            continue
        shown = channel or _shown_channel(context, user)
        standing = shown.members[user] if shown is not None else 0
        flags = "G" if user.away is not None else "H"
        flags += ("*" if user.is_operator else "") + prefixes(standing, multiple)
        context.reply(
            numerics.RPL_WHOREPLY,
            shown.name if shown is not None else "*",
            user.username,
            user.host,
            context.server,
            user.nick,
            flags,
            text=f"0 {user.realname}",
        )


def _shown_channel(context: Context, user: User) -> Channel | None:
    """One channel the asker may see the user in."""
    for channel in user.channels:
        if context.user in channel.members or ("s" not in channel.flags and not user.invisible):
            return channel
    return None


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
