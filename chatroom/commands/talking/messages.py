"""What people say: to a channel, to its operators, to somebody, to the operators of the server.

Source: Modern IRC Client Protocol, "Sending Messages" and ``STATUSMSG``; IRCv3 echo-message and message-tags (client-
only tags, TAGMSG).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.channel import OP, VOICE, Channel
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.talking.utterance import Utterance
from chatroom.commands.talking.writing_history import (
    wait_for_journal,
    write_channel_message,
    write_direct_message,
)
from chatroom.irc import caps, numerics
from chatroom.irc.limits import MESSAGE_TARGETS

if TYPE_CHECKING:
    from chatroom.chat.people.user import User

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
        utterance = Utterance(context, params[1])
        utterance.user.spoke_ms = context.world.now_ms
        return say(utterance, params[0])
    return None


@command("NOTICE", "[<targets> <text>]")
def notice(context: Context, params: list[str]) -> Pending | None:
    """As PRIVMSG, and never answered automatically."""
    if len(params) >= 2 and params[1]:
        return say(Utterance(context, params[1]), params[0])
    return None


@command("TAGMSG", "<targets>")
def tagmsg(context: Context, params: list[str]) -> Pending | None:
    """Sends client-only tags to channels or people, for those who negotiated message-tags."""
    if context.session.caps & caps.MESSAGE_TAGS:
        say(Utterance(context, ""), params[0])
    return None


def say(utterance: Utterance, targets: str) -> Pending | None:
    """Send a message to each of its targets, which are separated by commas."""
    names = targets.split(",") if "," in targets else [targets]
    if len(names) > MESSAGE_TARGETS:
        utterance.refuse(numerics.ERR_TOOMANYTARGETS, printable(targets))
        return None
    ledger = utterance.world.ledger
    # A transaction that is open already, or no journal at all, leaves nothing to wait for.
    if ledger.journal is not None and not ledger.is_open and utterance.verb != "TAGMSG":
        pending = wait_for_journal(utterance, names, _say_to_all)
        if pending is not None:
            return pending
    _say_to_all(utterance, names)
    return None


def _say_to_all(utterance: Utterance, names: list[str]) -> None:
    for name in names:
        if name.startswith("#"):
            _say_to_channel(utterance, name)
        elif name[:1] in STATUS_PREFIXES:
            _say_to_standing(utterance, name)
        else:
            target = utterance.world.find_user(name)
            if target is not None:
                _say_to_user(utterance, target)
            elif not _leave_message(utterance, name):
                utterance.refuse(numerics.ERR_NOSUCHNICK, printable(name))


def _say_to_channel(utterance: Utterance, name: str) -> None:
    """Say it to every member of a channel, and write it to the history."""
    world = utterance.world
    channel = world.find_channel(name)
    if channel is None or not may_speak(channel, utterance.user, utterance.text):
        _refuse(utterance, name, channel)
        return
    event = utterance.event_for(channel.name)
    if world.ledger.is_open and utterance.verb != "TAGMSG":
        write_channel_message(utterance, event, channel)
    world.outbox.to_channel(channel, event, utterance.session)
    utterance.echo(event)


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


def _refuse(utterance: Utterance, name: str, channel: Channel | None) -> None:
    if channel is None:
        utterance.refuse(numerics.ERR_NOSUCHCHANNEL, printable(name))
    else:
        utterance.refuse(numerics.ERR_CANNOTSENDTOCHAN, channel.name)


def _say_to_standing(utterance: Utterance, name: str) -> None:
    """Say it to a channel's operators (``@#c``), or to them and the voiced (``+#c``). The history does not have it."""
    signs, number_sign, rest = name.partition("#")
    wanted = 0
    for sign in signs:
        wanted |= STATUS_PREFIXES.get(sign, 0)
    if not number_sign or any(sign not in STATUS_PREFIXES for sign in signs):
        utterance.refuse(numerics.ERR_NOSUCHNICK, printable(name))
        return
    world, session, user = utterance.world, utterance.session, utterance.user
    channel = world.find_channel("#" + rest)
    if channel is None or not may_speak(channel, user, utterance.text):
        _refuse(utterance, name, channel)
        return
    event = utterance.event_for(("@" if wanted == OP else "+") + channel.name)
    for member, standing in channel.members.items():
        if standing & wanted or member is user:
            world.tell_user(member, event, skip=session)
    utterance.echo(event)


def _say_to_user(utterance: Utterance, target: User) -> None:
    """Say it to a user. The sender's other sessions read it too, and the history has it if both have an account."""
    world, session, user = utterance.world, utterance.session, utterance.user
    if target.registered_only and user.account is None and target is not user:
        text = "You must be logged in to write to this person"
        utterance.refuse(numerics.ERR_CANTSENDTOUSER, target.nick, text=text)
        return
    event = utterance.event_for(target.nick)
    if world.ledger.is_open and utterance.verb != "TAGMSG":
        write_direct_message(utterance, event, target.account, target.nick)
    world.tell_user(target, event)
    if target is not user and len(user.sessions) > 1:
        world.tell_user(user, event, skip=session)
    utterance.echo(event)
    if target.away is not None and utterance.verb == "PRIVMSG":
        utterance.context.reply(numerics.RPL_AWAY, target.nick, text=target.away)


def _leave_message(utterance: Utterance, name: str) -> bool:
    """Write a message to the history for an account that is not here; it reads the message when it comes back.

    Returns False, with nothing said, if there is no such account, the sender has none, or no history is kept.
    """
    world, session = utterance.world, utterance.session
    account = world.accounts.find(name)
    if account is None or account.disabled or utterance.verb == "TAGMSG" or not world.ledger.is_open:
        return False
    event = utterance.event_for(account.name)
    if not write_direct_message(utterance, event, account, account.name):
        return False
    world.tell_user(utterance.user, event, skip=session)
    utterance.echo(event)
    text = f"{account.name} is not here, and will read it on coming back"
    utterance.context.note("LEFT_FOR", account.name, text=text)
    return True
