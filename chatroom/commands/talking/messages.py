"""What people say: to a channel, to its operators, to somebody, to the operators of the server.

Source: Modern IRC Client Protocol, "Sending Messages" and ``STATUSMSG``; IRCv3 echo-message and message-tags (client-
only tags, TAGMSG).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.channel import OP, VOICE, Channel
from chatroom.chat.stored.entries import direct, msgid_of
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.talking.writing_history import (
    wait_for_journal,
    write_channel_message,
    write_direct_message,
    write_plain_message,
)
from chatroom.irc import caps, numerics
from chatroom.irc.framing import encode
from chatroom.irc.limits import MESSAGE_TARGETS
from chatroom.irc.message import format_tags

if TYPE_CHECKING:
    from chatroom.chat.events import Event, Part
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

STATUS_PREFIXES = {"@": OP, "+": OP | VOICE}
"""Who reads what is said to a channel behind such a sign: the standings, any of which is enough."""


@command("PRIVMSG", "[<targets> <text>]")
def privmsg(context: Context, params: list[str]) -> Pending | None:
    """Says something to channels or people, by comma; to @#channel or +#channel for those of that standing only."""
    if not params:
        context.reply(numerics.ERR_NORECIPIENT, text="No recipient given (PRIVMSG)")
    elif len(params) < 2 or not params[1]:
        context.reply(numerics.ERR_NOTEXTTOSEND)
    else:
        context.user.spoke_ms = context.world.now_ms
        return say(context, "PRIVMSG", params[0], params[1])
    return None


@command("NOTICE", "[<targets> <text>]")
def notice(context: Context, params: list[str]) -> Pending | None:
    """As PRIVMSG, and never answered automatically."""
    if len(params) >= 2 and params[1]:
        return say(context, "NOTICE", params[0], params[1])
    return None


@command("TAGMSG", "<targets>")
def tagmsg(context: Context, params: list[str]) -> Pending | None:
    """Sends client-only tags to channels or people, for those who negotiated message-tags."""
    if context.session.caps & caps.MESSAGE_TAGS:
        context.tags = context.tags or {}  # without any it is a message all the same
        say(context, "TAGMSG", params[0], "")
    return None


def say_plainly(world: World, session: Session, line: str) -> bool:
    """The short way of what most lines are: a PRIVMSG without tags that nothing speaks against; whether it was one.

    Does what ``privmsg`` would have done, or nothing at all. What must be refused, waited for or answered, and whatever
    few people do, goes the long way.
    """
    user = session.user
    head, _, text = line.partition(" :")
    if user is None or not text or session.batch is not None or session.caps & caps.ECHO_MESSAGE:
        return False
    name = head[8:]
    channel = world.channels.get(name)
    if channel is not None:
        if not _say_plainly_in(world, session, user, channel, text):
            return False
    else:
        target = world.users.get(name)
        if target is None or not _say_plainly_to(world, session, user, target, text):
            return False
    user.spoke_ms = world.now_ms
    return True


def _say_plainly_in(world: World, session: Session, user: User, channel: Channel, text: str) -> bool:
    ledger = world.ledger
    if not may_speak(channel, user, text) or (ledger.writes_channels and not ledger.is_open and not ledger.is_ready()):
        return False
    event = world.event(user.prefix, f"PRIVMSG {channel.name} :{text}", user)
    if ledger.writes_channels:
        write_plain_message(world, session, user, event, channel, text)
    world.outbox.to_channel(channel, event, session)
    return True


def _say_plainly_to(world: World, session: Session, user: User, target: User, text: str) -> bool:
    if target.registered_only or target.away is not None or len(user.sessions) > 1:
        return False
    ledger, account, other = world.ledger, user.account, target.account
    conversation = None
    if ledger.writes_direct and account is not None and other is not None:
        if not ledger.is_open and not ledger.is_ready():
            return False
        conversation = direct(account.id, other.id)
    body = f"PRIVMSG {target.nick} :{text}"
    reader, outbox = target.sessions[0], world.outbox
    if not reader.variant and len(target.sessions) == 1:
        # Nobody else reads it, and this one as it is: no event is needed.
        outbox.to_session(reader, encode(f":{user.prefix} {body}"))
        if conversation is not None:
            ledger.add_line(outbox.seq, outbox.stamp.time_ms, user, session, conversation, target.nick, text)
        return True
    event = world.event(user.prefix, body, user)
    if conversation is not None:
        number = ledger.add_line(event.seq, outbox.stamp.time_ms, user, session, conversation, target.nick, text)
        event.stored_msgid = msgid_of(number)
    world.tell_user(target, event)
    return True


def say(context: Context, verb: str, targets: str, text: str, parts: list[Part] | None = None) -> Pending | None:
    """Say something to each of the targets, as far as one may; ``parts`` are the lines of a multiline message."""
    names = targets.split(",") if "," in targets else [targets]
    if len(names) > MESSAGE_TARGETS:
        if verb != "NOTICE":
            context.reply(numerics.ERR_TOOMANYTARGETS, printable(targets))
        return None
    if context.world.ledger.journal is not None and verb != "TAGMSG":
        pending = wait_for_journal(context, names, lambda context: say(context, verb, targets, text, parts))
        if pending is not None:
            return pending
    _say_to_all(context, verb, names, text, parts)
    return None


def _say_to_all(context: Context, verb: str, names: list[str], text: str, parts: list[Part] | None) -> None:
    for name in names:
        if name.startswith("#"):
            _say_to_channel(context, verb, name, text, parts)
        elif name[:1] in STATUS_PREFIXES:
            _say_to_standing(context, verb, name, text, parts)
        else:
            _say_to_user(context, verb, name, text, parts)


def _say_to_channel(context: Context, verb: str, name: str, text: str, parts: list[Part] | None) -> None:
    world, session, user = context.world, context.session, context.user
    channel = world.find_channel(name)
    if channel is None or not may_speak(channel, user, text):
        _refuse(context, verb, name, channel)
        return
    event = world.event(user.prefix, f"{verb} {channel.name} :{text}", user)
    if context.tags is not None:
        _complete(context, event, verb, channel.name, parts)
    if world.ledger.is_open and verb != "TAGMSG":
        write_channel_message(world, session, event, verb, channel, text)
    world.tell_channel(channel, event, skip=session)
    if session.caps & caps.ECHO_MESSAGE:
        context.say(event)


def may_speak(channel: Channel, user: User, text: str) -> bool:
    """Whether somebody may say that in a channel; moderators and admins may everywhere, but no CTCP where none is."""
    flags = channel.flags
    if "C" in flags and text.startswith("\x01") and not text.startswith("\x01ACTION"):
        return False
    standing = channel.members.get(user)
    if standing or user.is_operator:
        return True
    if "m" in flags or (standing is None and "n" in flags) or ("M" in flags and user.account is None):
        return False
    return not channel.lists or not channel.is_silenced(user)


def _refuse(context: Context, verb: str, name: str, channel: Channel | None) -> None:
    """Tell why nothing was said; a NOTICE is never answered."""
    if verb != "NOTICE":
        if channel is None:
            context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
        else:
            context.reply(numerics.ERR_CANNOTSENDTOCHAN, channel.name)


def _say_to_standing(context: Context, verb: str, name: str, text: str, parts: list[Part] | None) -> None:
    """Say something to a channel's operators (``@#c``), or to them and the voiced (``+#c``)."""
    signs, number_sign, rest = name.partition("#")
    wanted = 0
    for sign in signs:
        wanted |= STATUS_PREFIXES.get(sign, 0)
    if not number_sign or any(sign not in STATUS_PREFIXES for sign in signs):
        if verb != "NOTICE":
            context.reply(numerics.ERR_NOSUCHNICK, printable(name))
        return
    world, session, user = context.world, context.session, context.user
    channel = world.find_channel("#" + rest)
    if channel is None or not may_speak(channel, user, text):
        _refuse(context, verb, name, channel)
        return
    target = ("@" if wanted == OP else "+") + channel.name
    event = world.event(user.prefix, f"{verb} {target} :{text}", user)
    if context.tags is not None:
        _complete(context, event, verb, target, parts)
    for member, standing in channel.members.items():
        if standing & wanted or member is user:
            world.tell_user(member, event, skip=session)
    if session.caps & caps.ECHO_MESSAGE:
        context.say(event)


def _say_to_user(context: Context, verb: str, name: str, text: str, parts: list[Part] | None) -> None:
    world, session, user = context.world, context.session, context.user
    target = world.find_user(name)
    if target is None:
        if not _leave_message(context, verb, name, text, parts) and verb != "NOTICE":
            context.reply(numerics.ERR_NOSUCHNICK, printable(name))
        return
    if target.registered_only and not _may_write_to(context, target):
        if verb != "NOTICE":
            _refuse_unregistered(context, target)
        return
    event = world.event(user.prefix, f"{verb} {target.nick} :{text}", user)
    if context.tags is not None:
        _complete(context, event, verb, target.nick, parts)
    if world.ledger.is_open and verb != "TAGMSG":
        write_direct_message(world, session, event, verb, target.account, target.nick, text)
    world.tell_user(target, event)
    if target is not user and len(user.sessions) > 1:
        world.tell_user(user, event, skip=session)
    if session.caps & caps.ECHO_MESSAGE:
        context.say(event)
    if target.away is not None and verb == "PRIVMSG":
        context.reply(numerics.RPL_AWAY, target.nick, text=target.away)


def _leave_message(context: Context, verb: str, name: str, text: str, parts: list[Part] | None) -> bool:
    """Keep a message to an account that is not here, from another one, until it comes back; whether it is kept."""
    world, user = context.world, context.user
    account = world.accounts.find(name)
    if account is None or account.disabled or verb == "TAGMSG" or not world.ledger.is_open:
        return False
    event = world.event(user.prefix, f"{verb} {account.name} :{text}", user)
    if context.tags is not None:
        _complete(context, event, verb, account.name, parts)
    if not write_direct_message(world, context.session, event, verb, account, account.name, text):
        return False
    world.tell_user(user, event, skip=context.session)
    if context.session.caps & caps.ECHO_MESSAGE:
        context.say(event)
    context.note("LEFT_FOR", account.name, text=f"{account.name} is not here, and will read it on coming back")
    return True


def _may_write_to(context: Context, target: User) -> bool:
    """Whether the user may write to somebody who lets in only those who are logged in (user mode R)."""
    return context.user.account is not None or target is context.user


def _refuse_unregistered(context: Context, target: User) -> None:
    text = "You must be logged in to write to this person"
    context.reply(numerics.ERR_CANTSENDTOUSER, target.nick, text=text)


def _complete(context: Context, event: Event, verb: str, target: str, parts: list[Part] | None) -> None:
    """Add to a message what few have: the clients' own tags, several lines, or no text at all."""
    tags = context.tags
    if tags and context.session.caps & caps.MESSAGE_TAGS:
        event.client_tags = format_tags({name: value for name, value in tags.items() if name.startswith("+")})
    if parts is not None:
        event.set_parts(f"{verb} {target}", parts)
    elif verb == "TAGMSG":
        event.body, event.needs = f"TAGMSG {target}", caps.MESSAGE_TAGS


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
