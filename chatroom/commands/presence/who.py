"""WHO: the members of a channel, or the users that match a mask.

Source: Modern IRC Client Protocol, "WHO message"; IRCv3 WHOX; RFC 2812, section 3.6.1 (``o``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from chatroom.chat.people.channel import Channel, prefixes
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import sees_member
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.masks import make_matcher

_NO_ADDRESS = "255.255.255.255"  # what WHOX sends instead of an address that the reader may not see


_LOOK_BYTES = 24
"""Comparing one user with a mask takes as long as answering so many bytes."""


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
    mask = params[0]
    flags, percent, extended = (params[1] if len(params) > 1 else "").partition("%")
    fields, _, token = extended.partition(",")
    if not (token.isascii() and token.isdigit() and len(token) <= 3):
        token = "0"  # noqa: S105 - WHOX: one to three digits
    for user, channel in _find(context, mask):
        if "o" in flags and not user.is_operator:
            continue
        row = _Row(context, user, channel or _shown_channel(context, user), token, _NO_ADDRESS)
        if not percent:  # a ``%`` without a field asks for WHOX too
            _reply_row(row)
        elif "i" in fields and (user is context.user or context.role >= Role.MODERATOR):
            for address in user.addresses or (_NO_ADDRESS,):
                _reply_fields(row._replace(address=printable(address)), fields)
        else:
            _reply_fields(row, fields)
    context.reply(numerics.RPL_ENDOFWHO, printable(mask))
    return None


def _find(context: Context, mask: str) -> Iterator[tuple[User, Channel | None]]:
    """The users that the mask means: the members of a channel, the user of a nick, or all users that match."""
    world = context.world
    channel = world.find_channel(mask)
    exact = world.find_shown(mask)
    if channel is not None:
        for member in channel.members:
            if sees_member(context, channel, member):
                yield member, channel
    elif exact is not None:
        yield exact, None
    elif not mask.startswith("#"):
        # A longer answer could overflow the send queue. A channel is not cut: clients build their member list from it.
        for user in islice(_matching(context, mask), context.most_replies):
            yield user, None


def _matching(context: Context, mask: str) -> Iterable[User]:
    fits = make_matcher("*" if mask == "0" else mask)
    context.world.costs.work_bytes += len(context.world.users) * _LOOK_BYTES
    for user in context.world.users.values():
        if user.invisible and not _share_channel(context.user, user) and context.role < Role.MODERATOR:
            continue
        if any(fits(word) for word in (user.nick, user.username, user.host, user.realname, user.prefix)):
            yield user


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
    text = f"0 {user.realname}"
    flags = _flags(row)
    context.reply(numerics.RPL_WHOREPLY, channel, user.username, user.host, context.server, user.nick, flags, text=text)


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


def _idle_s(row: _Row) -> str:
    return str((row.context.world.mono_ms - row.user.spoke_mono_ms) // 1000)


_FIELDS: dict[str, Callable[[_Row], str]] = {
    "t": lambda row: row.token,
    "c": lambda row: row.channel.name if row.channel is not None else "*",
    "u": lambda row: row.user.username,
    "i": lambda row: row.address,
    "h": lambda row: row.user.host,
    "s": lambda row: row.context.server,
    "n": lambda row: row.user.nick,
    "f": _flags,
    "d": lambda row: "0",  # hops: there is only this server
    "l": _idle_s,
    "a": lambda row: row.user.account_name or "0",
    "o": lambda row: "n/a",  # the operator level, which only Undernet has
}
"""The fields of WHOX in the order in which they are sent. The real name (``r``) comes last, as the text."""
