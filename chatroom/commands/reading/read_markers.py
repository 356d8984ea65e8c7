"""MARKREAD: the read markers, which tell up to when an account has read a channel or the messages of a user.

The read markers of an account are stored, and all its sessions share them. Those of a guest end with the guest.

Source: IRCv3 draft/read-marker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.reading.history_access import find_readable
from chatroom.irc import caps
from chatroom.irc.names import casefold, is_channel, is_nick
from chatroom.irc.times import format_time, parse_time

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User

MOST_MARKERS = 1000
"""How many read markers one account can have. A further one replaces the one with the earliest time."""


@command("MARKREAD", "[<target> [<timestamp>]]", stores=True)
def markread(context: Context, params: list[str]) -> Pending | None:
    """Shows or sets how far you have read a conversation:

    MARKREAD <channel or nick>
    MARKREAD <channel or nick> timestamp=2030-01-04T14:33:26.123Z
    """
    if not params or not params[0]:
        context.fail("NEED_MORE_PARAMS", text="Missing parameters")
        return None
    target = params[0]
    if not is_channel(target) and not is_nick(target):
        context.fail("INVALID_PARAMS", target, text="That is neither a channel nor a nick")
    elif len(params) < 2:
        context.say(_line(context, target))
    else:
        word, _, moment = params[1].partition("=")
        read_ms = parse_time(moment) if word == "timestamp" else None
        if read_ms is None:
            text = "The time must be timestamp=YYYY-MM-DDThh:mm:ss.sssZ"
            context.fail("INVALID_PARAMS", target, printable(params[1]), text=text)
        else:
            # A marker in the future would hide that later messages are unread.
            _set(context, target, min(read_ms, _latest_ms(context, target)))
    return None


def show_marker(context: Context, channel: Channel) -> None:
    """Show the read marker of a channel to a session that has joined it, if the session has the capability."""
    if context.session.caps & caps.READ_MARKER:
        context.say(_line(context, channel.name))


def _latest_ms(context: Context, target: str) -> int:
    """The latest time that the client can have read so far. A conversation may be ahead of the clock for a moment."""
    readable, outbox = find_readable(context, target), context.world.outbox
    if readable is None:
        return context.world.wall_ms
    conversations = readable.conversations if readable.channel is None else (readable.channel,)
    return max(map(outbox.times.latest, conversations), default=context.world.wall_ms)


def _set(context: Context, target: str, read_ms: int) -> None:
    user, world = context.user, context.world
    markers, folded = user.account_data.markers, casefold(target)
    if read_ms <= markers.get(folded, -1):  # a client that was offline may send an old time
        context.say(_line(context, target))
        return
    account = user.account
    if folded not in markers and len(markers) >= MOST_MARKERS:
        oldest = min(markers, key=lambda name: markers[name])  # a walk, but only with a thousand markers
        del markers[oldest]
        world.note_change(user, "markers", oldest)
        if account is not None:
            world.work.write(lambda stores: stores.account_data.delete_marker(account.id, oldest))
    markers[folded] = read_ms
    world.note_change(user, "markers", folded)
    if account is not None:
        world.work.write(lambda stores: stores.account_data.set_marker(account.id, folded, read_ms))
    line = _line(context, target)
    context.say(line)
    for each in [user] if account is None else list(world.online.users_of(account.id)):
        _tell_others(context, each, line)


def _tell_others(context: Context, user: User, line: str) -> None:
    for session in user.sessions:
        if session is not context.session and session.caps & caps.READ_MARKER:
            context.world.tell_session(session, line)


def _line(context: Context, target: str) -> str:
    read_ms = context.user.account_data.markers.get(casefold(target))
    return f":{context.server} MARKREAD {target} {'*' if read_ms is None else f'timestamp={format_time(read_ms)}'}"
