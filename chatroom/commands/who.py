"""WHO: the people in a channel, or whose names fit a mask.

Source: Modern IRC Client Protocol, "WHO message".
"""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.chat.channel import Channel, prefixes
from chatroom.chat.records import Role
from chatroom.chat.user import User
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.table import command
from chatroom.irc import caps, numerics
from chatroom.irc.masks import compile_mask


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
