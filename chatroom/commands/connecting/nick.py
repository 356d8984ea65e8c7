"""NICK: setting and changing a nick.

Source: Modern IRC Client Protocol, "Connection Messages".
"""

from __future__ import annotations

from chatroom.chat.people.channel import Channel
from chatroom.commands.action_limits import wait_for_nick
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.nick_refusals import nick_refusal
from chatroom.commands.connecting.registration import advance
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.presence.metadata_push import tell_watchers
from chatroom.commands.rooms.throttles import count_nick_change, find_nick_refusal
from chatroom.commands.spam_checks import find_name_refusal
from chatroom.irc import numerics
from chatroom.irc.limits import NICK_BYTES
from chatroom.irc.names import is_nick


@command("NICK", "[<nick>]", when=When.ANY)
def nick(context: Context, params: list[str]) -> Pending | None:
    """Sets or changes your nick."""
    if not params or not params[0]:
        context.reply(numerics.ERR_NONICKNAMEGIVEN)
        return None
    wanted = params[0]
    if not is_nick(wanted):
        text = f"Erroneous nickname: letters, digits and -_[]{{}}\\|^` only, at most {NICK_BYTES} bytes"
        context.reply(numerics.ERR_ERRONEUSNICKNAME, printable(wanted), text=text)
        return None
    registration = context.session.registration
    if registration is None:
        _change_nick(context, wanted)
        return None
    # A guest's nick is taken in any case, so refuse it now. If its user has an account, the session may yet log in to
    # the same account and share the nick: ``advance`` decides that when registration would complete.
    other = context.world.find_user(wanted)
    if other is not None and other.account is None:
        registration.refused_nick = wanted
        context.reply(numerics.ERR_NICKNAMEINUSE, wanted, text="Nickname is already in use")
        return None
    registration.nick = wanted
    registration.refused_nick = ""
    return advance(context)


def _binds(context: Context, channel: Channel) -> bool:
    """True if a ban or mute of the channel fits the user, who would escape it under another nick."""
    user = context.user
    if not channel.lists or channel.members[user] or context.session.is_operator:
        return False
    return channel.is_silenced(user)


def _change_nick(context: Context, wanted: str) -> None:
    user = context.user
    if wanted == user.nick:
        return
    refusal = nick_refusal(context, wanted, user.account)
    if refusal is not None:
        numeric, code, text = refusal
        # A numeric for every client, and a FAIL for those that want to tell a registered nick from one in use.
        context.reply(numeric, wanted, text=text)
        if code:
            context.fail(code, wanted, text=text)
        return
    kept_by = next((channel for channel in user.channels if _binds(context, channel)), None)
    if kept_by is not None:
        text = "You cannot change your nick while you are banned or muted there; leave the channel first"
        context.reply(numerics.ERR_BANNICKCHANGE, kept_by.name, text=text)
        return
    throttled = find_nick_refusal(context)
    if throttled:
        context.reply(numerics.ERR_CANTCHANGENICK, text=throttled)
        return
    wait_s = wait_for_nick(context)
    if wait_s:
        most = context.world.settings.limits.nick_changes_per_minute
        text = f"Too many nick changes (at most {most} a minute), try again in {wait_s} s"
        context.reply(numerics.ERR_NICKTOOFAST, wanted, text=text)
        return
    why = find_name_refusal(context, wanted)
    if why:
        context.reply(numerics.ERR_ERRONEUSNICKNAME, wanted, text=why)
        return
    count_nick_change(context)
    old = user.nick
    event = context.world.rename(user, wanted, skip=context.session)
    context.say(event)
    tell_watchers(context.world, user)
    context.world.log_line(f"{old} is now {wanted}", at=(__name__, "renamed"))
