"""WHOIS and WHOWAS: facts about a user who is connected, and about users who had a nick before.

Source: Modern IRC Client Protocol, "WHOIS message" and "WHOWAS message"; IRCv3 bot mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from chatroom.chat.metadata import is_aware
from chatroom.chat.people.channel import prefixes
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.about.network import is_in_network
from chatroom.commands.channel_rules import sees_member
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.limits import WHOIS_TARGETS
from chatroom.irc.names import casefold


@command("WHOIS", "[<server>] [<nicks>]")
def whois(context: Context, params: list[str]) -> Pending | None:
    """Shows the account, channels and idle time of one or more users, separated by commas."""
    # With one parameter it is the nick; with two, the first one names the server.
    nicks = params[1] if len(params) > 1 else "".join(params)
    if not nicks:
        context.reply(numerics.ERR_NONICKNAMEGIVEN)
    elif len(params) < 2 or is_in_network(context, params[:1]):
        for nick in list(filter(None, nicks.split(",")))[:WHOIS_TARGETS]:
            user = context.world.find_shown(nick)
            if user is None:
                context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
            else:
                _reply_whois(context, user)
        context.reply(numerics.RPL_ENDOFWHOIS, printable(nicks))
    return None


def _reply_whois(context: Context, user: User) -> None:
    world, nick = context.world, user.nick
    server = world.settings.server
    context.reply(numerics.RPL_WHOISUSER, nick, user.username, user.host, "*", text=user.realname)
    if user.account is not None and casefold(user.account.name) == user.folded:
        context.reply(numerics.RPL_WHOISREGNICK, nick)
    context.reply_words(numerics.RPL_WHOISCHANNELS, nick, words=_channels(context, user))
    home = world.server_name_of(user)
    description = next((one.description for one in world.list_servers() if one.name == home), "")
    context.reply(numerics.RPL_WHOISSERVER, nick, home, text=description)
    if user.away is not None:
        context.reply(numerics.RPL_AWAY, nick, text=user.away)
    if user.is_operator:
        context.reply(numerics.RPL_WHOISOPERATOR, nick, text=f"is {user.role.with_article} of this server")
    if user.account_name is not None:
        context.reply(numerics.RPL_WHOISACCOUNT, nick, user.account_name)
    if user.is_secure:
        context.reply(numerics.RPL_WHOISSECURE, nick)
    if user.bot:
        context.reply(numerics.RPL_WHOISBOT, nick, text=f"is a bot on {server.network}")
    if user is context.user or context.role >= Role.MODERATOR:
        _reply_connections(context, user)
        context.reply(numerics.RPL_WHOISMODES, nick, text=f"is using modes {user.modes}")
    if is_aware(context.session):
        for key, value in user.metadata.items():
            context.reply(numerics.RPL_WHOISKEYVALUE, nick, key, "*", text=value)
    idle_s = (world.mono_ms - user.spoke_mono_ms) // 1000
    context.reply(numerics.RPL_WHOISIDLE, nick, str(idle_s), str(user.signon_ms // 1000))


def _reply_connections(context: Context, user: User) -> None:
    nick = user.nick
    for session in user.sessions:
        context.reply(numerics.RPL_WHOISACTUALLY, nick, printable(session.address_text))
        if session.certificate:
            text = f"has client certificate fingerprint {session.certificate}"
            context.reply(numerics.RPL_WHOISCERTFP, nick, text=text)
        if session.gateway:
            context.reply(numerics.RPL_WHOISSPECIAL, nick, text=f"connects through the gateway {session.gateway}")


def _channels(context: Context, user: User) -> Iterator[str]:
    """The channels in which the reader may see the user, each with the signs of the user's standing."""
    multiple = bool(context.session.caps & caps.MULTI_PREFIX)
    for channel in user.channels:
        if sees_member(context, channel, user):
            yield prefixes(channel.members[user], multiple) + channel.name


@command("WHOWAS", "[<nick> [<count> [<server>]]]")
def whowas(context: Context, params: list[str]) -> Pending | None:
    """Shows the users who last had a nick, newest first. A count limits the answer."""
    if not params or not params[0]:
        context.reply(numerics.ERR_NONICKNAMEGIVEN)
        return None
    if not is_in_network(context, params[2:]):
        return None
    nick, count = params[0], params[1] if len(params) > 1 else ""
    # Without a number, or with 0, the answer has all. The length is bounded because int() of many digits is slow.
    most = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0
    found = context.world.whowas.find(nick)
    for one in found[:most] if most else found:
        context.reply(numerics.RPL_WHOWASUSER, one.nick, one.username, one.host, "*", text=one.realname)
        if one.account is not None:
            context.reply(numerics.RPL_WHOISACCOUNT, one.nick, one.account, text="was logged in as")
        if context.role >= Role.MODERATOR:
            for address in one.addresses:
                context.reply(numerics.RPL_WHOISACTUALLY, one.nick, printable(address))
        left = datetime.fromtimestamp(one.left_ms / 1000, UTC)
        server = one.server or context.server
        context.reply(numerics.RPL_WHOISSERVER, one.nick, server, text=f"{left:%Y-%m-%d %H:%M:%S} UTC")
    if not found:
        context.reply(numerics.ERR_WASNOSUCHNICK, printable(nick))
    context.reply(numerics.RPL_ENDOFWHOWAS, printable(nick))
    return None
