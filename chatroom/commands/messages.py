"""What people say: to a channel, to somebody, to the operators.

Source: Modern IRC Client Protocol, "Sending Messages"; IRCv3 echo-message and message-tags (client-only tags).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.channel import Channel
from chatroom.chat.records import Role
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.table import command
from chatroom.irc import caps, numerics
from chatroom.irc.message import format_tags

if TYPE_CHECKING:
    from chatroom.chat.user import User

MOST_TARGETS = 4


@command("PRIVMSG", "[<targets> <text>]")
def privmsg(context: Context, params: list[str]) -> Pending | None:
    """Says something to channels or people, by comma."""
    if not params:
        context.reply(numerics.ERR_NORECIPIENT, text="No recipient given (PRIVMSG)")
    elif len(params) < 2 or not params[1]:
        context.reply(numerics.ERR_NOTEXTTOSEND)
    else:
        context.user.spoke_ms = context.world.now_ms
        _say(context, "PRIVMSG", params[0], params[1])
    return None


@command("NOTICE", "[<targets> <text>]")
def notice(context: Context, params: list[str]) -> Pending | None:
    """As PRIVMSG, and never answered automatically."""
    if len(params) >= 2 and params[1]:
        _say(context, "NOTICE", params[0], params[1])
    return None


def _say(context: Context, verb: str, targets: str, text: str) -> None:
    names = targets.split(",") if "," in targets else [targets]
    if len(names) > MOST_TARGETS:
        if verb == "PRIVMSG":
            context.reply(numerics.ERR_TOOMANYTARGETS, printable(targets))
        return
    for name in names:
        if name.startswith("#"):
            _say_to_channel(context, verb, name, text)
        else:
            _say_to_user(context, verb, name, text)


def _say_to_channel(context: Context, verb: str, name: str, text: str) -> None:
    world, session, user = context.world, context.session, context.user
    channel = world.find_channel(name)
    if channel is None:
        if verb == "PRIVMSG":
            context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
        return
    if not may_speak(channel, user, context.role):
        if verb == "PRIVMSG":
            context.reply(numerics.ERR_CANNOTSENDTOCHAN, channel.name)
        return
    event = world.event(user.prefix, f"{verb} {channel.name} :{text}", user)
    if context.tags:
        event.client_tags = client_tags(context.tags)
    world.tell_channel(channel, event, skip=session)
    if session.caps & caps.ECHO_MESSAGE:
        context.say(event)


def may_speak(channel: Channel, user: User, role: Role) -> bool:
    """Whether somebody may say something in a channel; moderators and admins may everywhere."""
    standing = channel.members.get(user)
    if standing or role >= Role.MODERATOR:
        return True
    flags = channel.flags
    if standing is None and "n" in flags:
        return False
    return "m" not in flags and not channel.is_banned(user)


def _say_to_user(context: Context, verb: str, name: str, text: str) -> None:
    world, session, user = context.world, context.session, context.user
    target = world.find_user(name)
    if target is None:
        if verb == "PRIVMSG":
            context.reply(numerics.ERR_NOSUCHNICK, printable(name))
        return
    if target.registered_only and not _may_write_to(context, target):
        if verb == "PRIVMSG":
            _refuse_unregistered(context, target)
        return
    event = world.event(user.prefix, f"{verb} {target.nick} :{text}", user)
    if context.tags:
        event.client_tags = client_tags(context.tags)
    world.tell_user(target, event, skip=session if target is user else None)
    if target is user:
        context.say(event)
    else:
        if session.caps & caps.ECHO_MESSAGE:
            context.say(event)
        if len(user.sessions) > 1:
            world.tell_user(user, event, skip=session)
    if target.away is not None and verb == "PRIVMSG":
        context.reply(numerics.RPL_AWAY, target.nick, text=target.away)


def _may_write_to(context: Context, target: User) -> bool:
    """Whether the user may write to somebody who lets in only those who are logged in (user mode R)."""
    return context.user.account is not None or target is context.user


def _refuse_unregistered(context: Context, target: User) -> None:
    text = "You must be logged in to write to this person"
    context.reply(numerics.ERR_CANTSENDTOUSER, target.nick, text=text)


def client_tags(tags: dict[str, str]) -> str:
    """The tags that are the clients' own affair, ready to be passed on."""
    return format_tags({name: value for name, value in tags.items() if name.startswith("+")})


@command("TAGMSG", "<targets>")
def tagmsg(context: Context, params: list[str]) -> Pending | None:
    """Sends client-only tags to channels or people, for those who negotiated them."""
    world, session, user = context.world, context.session, context.user
    tags = client_tags(context.tags or {})
    if not tags or not session.caps & caps.MESSAGE_TAGS:
        return None
    for name in params[0].split(",")[:MOST_TARGETS]:
        channel = world.find_channel(name)
        target = world.find_user(name)
        if channel is None and target is None:
            numeric = numerics.ERR_NOSUCHCHANNEL if name.startswith("#") else numerics.ERR_NOSUCHNICK
            context.reply(numeric, printable(name))
            continue
        shown = channel.name if channel is not None else target.nick if target is not None else name
        event = world.event(user.prefix, f"TAGMSG {shown}", user)
        event.client_tags, event.needs = tags, caps.MESSAGE_TAGS
        if channel is not None:
            if not may_speak(channel, user, context.role):
                context.reply(numerics.ERR_CANNOTSENDTOCHAN, channel.name)
                continue
            world.tell_channel(channel, event, skip=session)
        elif target is not None:
            if target.registered_only and not _may_write_to(context, target):
                _refuse_unregistered(context, target)
                continue
            world.tell_user(target, event, skip=session)
            if target is not user:
                world.tell_user(user, event, skip=session)
        if session.caps & caps.ECHO_MESSAGE or target is user:
            context.say(event)
    return None


@command("WALLOPS", "<text>", role=Role.MODERATOR)
def wallops(context: Context, params: list[str]) -> Pending | None:
    """Says something to everybody with user mode +w."""
    if not params[0]:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "WALLOPS")
        return None
    event = context.world.event(context.source, f"WALLOPS :{params[0]}", context.user)
    for user in context.world.users.values():
        if user.wallops:
            context.world.tell_user(user, event, skip=context.session)
    if context.user.wallops:
        context.say(event)
    return None
