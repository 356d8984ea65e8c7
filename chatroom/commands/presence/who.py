"""WHO: the members of a channel, or the users that match a mask.

Source: Modern IRC Client Protocol, "WHO message"; IRCv3 WHOX; RFC 2812, section 3.6.1 (``o``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from chatroom.chat.people.channel import Channel, prefixes
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import sees_member
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.masks import make_matcher

_NO_ADDRESS = "255.255.255.255"  # what WHOX sends instead of an address that the reader may not see


_LOOK_BYTES = 24
"""Comparing one user with a mask takes as long as answering so many bytes."""
_ROW_BYTES = 96
"""The same for a row."""


class _Row(NamedTuple):
    """One user in an answer. ``channel`` is the channel the user is shown in; None shows ``*``."""

    context: Context
    user: User
    channel: Channel | None
    token: str
    """The number that the client gave, repeated in the reply (WHOX)."""
    address: str
    """The address to show: that of one of the user's sessions, or ``_NO_ADDRESS``."""


@command("WHO", "<mask> [<options>]")
def who(context: Context, params: list[str]) -> Pending | None:
    """Lists the members of a channel, or the users that match a mask.

    WHO <mask> o: only the server's operators
    WHO <mask> %<fields>[,<token>]: only some of the fields tcuihsnfdlaor (WHOX)

    With the field i (address), a user with several devices has a line for each address.
    """
    flags, percent, extended = (params[1] if len(params) > 1 else "").partition("%")
    fields, _, token = extended.partition(",")
    if not (token.isascii() and token.isdigit() and len(token) <= 3):
        token = "0"  # noqa: S105 - WHOX: one to three digits
    # A ``%`` without a field asks for WHOX too.
    return in_pieces(context, _answer(context, params[0], "o" in flags, fields if percent else None, token))


def _answer(context: Context, mask: str, only_operators: bool, fields: str | None, token: str) -> Steps:
    """Answer with a row for each user that the mask means. ``fields`` are those of WHOX; None for plain rows."""
    for found in _find(context, mask):
        if found is None or (only_operators and not found[0].is_operator):
            yield _LOOK_BYTES
            continue
        user, channel = found
        row = _Row(context, user, channel or _shown_channel(context, user), token, _NO_ADDRESS)
        if fields is None:
            _reply_row(row)
        elif "i" in fields and (user is context.user or context.role >= Role.MODERATOR):
            for address in user.addresses or (_NO_ADDRESS,):
                _reply_fields(row._replace(address=printable(address)), fields)
        else:
            _reply_fields(row, fields)
        yield _ROW_BYTES
    context.reply(numerics.RPL_ENDOFWHO, printable(mask))


def _find(context: Context, mask: str) -> Iterator[tuple[User, Channel | None] | None]:
    """The users that the mask means: the members of a channel, the user of a nick, or all users that match.

    None stands for a user that was looked at and is not meant.
    """
    world = context.world
    channel = world.find_channel(mask)
    exact = world.find_shown(mask)
    if channel is not None:
        for member in list(channel.members):
            # Looked at for each: members come and go between two pieces of the answer, also the user that asked.
            is_shown = member in channel.members and sees_member(context, channel, member)
            yield (member, channel) if is_shown else None
    elif exact is not None:
        yield exact, None
    elif not mask.startswith("#"):
        # A longer answer could overflow the send queue. A channel is not cut: clients build their member list from it.
        left = context.most_replies
        for user in _looked_at(context, mask):
            yield (user, None) if user is not None else None
            left -= user is not None
            if not left:
                return


def _looked_at(context: Context, mask: str) -> Iterator[User | None]:
    """The users that match a mask, and None for each other user."""
    fits = make_matcher("*" if mask == "0" else mask)
    users = context.world.users
    context.world.costs.work_bytes += len(users) * _LOOK_BYTES
    for user in list(users.values()):
        hidden = user.invisible and not _share_channel(context.user, user) and context.role < Role.MODERATOR
        is_found = not hidden and any(
            fits(word) for word in (user.nick, user.username, user.host, user.realname, user.prefix)
        )
        yield user if is_found and users.get(user.folded) is user else None


def _share_channel(one: User, other: User) -> bool:
    return one is other or any(channel in one.channels for channel in other.channels)


def _shown_channel(context: Context, user: User) -> Channel | None:
    """One channel in which the reader may see the user, or None."""
    for channel in user.channels:
        if sees_member(context, channel, user):
            return channel
    return None


def _reply_row(row: _Row) -> None:
    context, user = row.context, row.user
    channel = row.channel.name if row.channel is not None else "*"
    server = context.world.server_name_of(user)
    text = f"{_hops(row)} {user.realname}"
    flags = _flags(row)
    context.reply(numerics.RPL_WHOREPLY, channel, user.username, user.host, server, user.nick, flags, text=text)


def _reply_fields(row: _Row, wanted: str) -> None:
    """Send the wanted fields, in the order that WHOX fixes whatever the order in the request."""
    params = [field_of(row) for letter, field_of in _FIELDS.items() if letter in wanted]
    realname = row.user.realname if "r" in wanted else None
    row.context.reply(numerics.RPL_WHOSPCRPL, *params, text=realname)


def _flags(row: _Row) -> str:
    user, channel = row.user, row.channel
    standing = channel.members[user] if channel is not None else 0
    multiple = bool(row.context.session.caps & caps.MULTI_PREFIX)
    away = "H" if user.away is None else "G"
    return away + ("*" if user.is_operator else "") + prefixes(standing, multiple) + ("B" if user.bot else "")


def _hops(row: _Row) -> str:
    return "0" if row.context.world.server_name_of(row.user) == row.context.server else "1"


def _idle_s(row: _Row) -> str:
    return str((row.context.world.mono_ms - row.user.spoke_mono_ms) // 1000)


_FIELDS: dict[str, Callable[[_Row], str]] = {
    "t": lambda row: row.token,
    "c": lambda row: row.channel.name if row.channel is not None else "*",
    "u": lambda row: row.user.username,
    "i": lambda row: row.address,
    "h": lambda row: row.user.host,
    "s": lambda row: row.context.world.server_name_of(row.user),
    "n": lambda row: row.user.nick,
    "f": _flags,
    "d": _hops,
    "l": _idle_s,
    "a": lambda row: row.user.account_name or "0",
    "o": lambda row: "n/a",  # the operator level, which only Undernet has
}
"""The fields of WHOX in the order in which they are sent. The real name (``r``) comes last, as the text."""
