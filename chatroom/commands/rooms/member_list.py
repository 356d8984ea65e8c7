"""NAMES: the members of a channel.

Source: Modern IRC Client Protocol, "NAMES message"; IRCv3 multi-prefix and userhost-in-names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.chat.people.channel import Channel, prefixes
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.limits import NAMES_TARGETS

if TYPE_CHECKING:
    from chatroom.chat.people.user import User


MEMBERS_OF_A_STEP = 1000
"""How many members a step lists, which takes about a tenth of a millisecond."""
_LOOK_BYTES = 64


def reply_names(context: Context, channel: Channel) -> None:
    """List the members that the user may see, in as many lines as needed, at once."""
    _reply_some(context, channel, channel.members.items())
    context.reply(numerics.RPL_ENDOFNAMES, channel.name)


def _list_members(context: Context, channel: Channel) -> Steps:
    """List the members who are there at the beginning, as they are when their step comes."""
    members = list(channel.members)
    for start in range(0, max(len(members), 1), MEMBERS_OF_A_STEP):
        if start and is_hidden(context, channel):
            break  # the user has been kicked out of a secret channel, or the channel has ended
        standings, some = channel.members, members[start : start + MEMBERS_OF_A_STEP]
        words = _reply_some(context, channel, [(one, standings[one]) for one in some if one in standings])
        yield sum(map(len, words))
    context.reply(numerics.RPL_ENDOFNAMES, channel.name)


def _reply_some(context: Context, channel: Channel, members: Iterable[tuple[User, int]]) -> list[str]:
    """List some members, with their standings. Return their words."""
    words = _words_of(context, channel, members)
    context.reply_words(numerics.RPL_NAMREPLY, "@" if "s" in channel.flags else "=", channel.name, words=words)
    return words


def _words_of(context: Context, channel: Channel, members: Iterable[tuple[User, int]]) -> list[str]:
    """Return the members that the user may see of these, each with the signs of its standing."""
    session = context.session
    sees_all = session.user in channel.members or context.role >= Role.MODERATOR
    multiple = bool(session.caps & caps.MULTI_PREFIX)
    full = bool(session.caps & caps.USERHOST_IN_NAMES)
    if not sees_all:
        members = [(member, standing) for member, standing in members if not member.invisible]
    if full:
        return [prefixes(standing, multiple) + member.prefix for member, standing in members]
    # Each JOIN comes here, for all members: as little as can be for each of them.
    return [prefixes(standing, multiple) + member.nick if standing else member.nick for member, standing in members]


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
    return in_pieces(context, _answer(context, wanted))


def _answer(context: Context, names: list[str]) -> Steps:
    for name in names:
        channel = context.world.find_channel(name)
        # A hidden channel is answered as one that does not exist: an end without a list, and no error.
        if channel is None or is_hidden(context, channel):
            context.reply(numerics.RPL_ENDOFNAMES, printable(name))
            yield _LOOK_BYTES
        else:
            yield from _list_members(context, channel)
