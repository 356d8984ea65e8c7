"""ZNC: stored messages, as clients ask the module ``playback`` of the ZNC bouncer for them (``PRIVMSG *playback``).

A *buffer* is a channel of the user or a conversation with another user. The bouncer keeps buffers for each user and can
empty them. Here all users read one history, so CLEAR only notes up to where the account does not want it played again.

Source: the documentation of the module, wiki.znc.in/Playback. A client with the capability ``znc.in/playback`` is
replayed nothing unasked, and reads a time on every message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.playback import fit, size_of, to_event
from chatroom.chat.stored.entries import AtMessageId, AtTime, Entry, LastSaid
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.reading.history_access import (
    Readable,
    find_readable,
    is_same,
    look_up,
    most_bytes,
    name_of,
    show,
)
from chatroom.commands.reading.replay import stamp
from chatroom.commands.talking.messages import PLAYBACK_NAME
from chatroom.irc import caps
from chatroom.irc.masks import make_matcher
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores

MOST_CLEARED = 1000
"""How many buffers one account can have cleared. A further one replaces the one that was cleared first."""
_MOST_BUFFERS = 1000
"""The most buffers that one command is for: those with the newest messages."""
_MOST_MASKS = 50
_SECONDS = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?")
_FAR_MS = 10**14
"""A time after all others, in Unix milliseconds."""
_USAGES = {
    "CLEAR": "Clear <buffer(s)>",
    "HELP": "Help",
    "LIST": "List [buffer(s)]",
    "PLAY": "Play <buffer(s)> [from] [to]",
}
_MEANINGS = {
    "CLEAR": "Plays nothing of these buffers any more that was said until now",
    "HELP": "Shows this help",
    "LIST": "Shows the buffers with the times of their first and last message",
    "PLAY": "Shows the messages of these buffers, between two times in seconds since 1970",
}


class _Buffer(NamedTuple):
    """A channel or conversation with stored messages that the user asks for."""

    name: str
    readable: Readable
    above: int
    """The message id after which the user may, and wants to, read it."""


_Act = Callable[[Context, "list[_Buffer]"], Pending | None]


@command("ZNC", "<module> [<command>]")
def znc(context: Context, params: list[str]) -> Pending | None:
    """Shows stored messages to clients that ask as they ask the bouncer ZNC, whose module is *playback:

    ZNC *playback PLAY <buffers> [<from> [<to>]]
    ZNC *playback LIST [<buffers>]
    ZNC *playback CLEAR <buffers>
    Buffers are channels and users, separated by commas; * and ? stand for any characters.
    Times are in seconds since 1970. PRIVMSG *playback does the same.
    """
    module = params[0]
    if casefold(module) != PLAYBACK_NAME:
        _answer(context, f"No such module [{printable(module)}]", "*status")
        return None
    if context.world.ledger.journal is None:
        _answer(context, "Nothing is stored on this server")
        return None
    words = " ".join(params[1:]).split()
    verb = words[0].upper() if words else "HELP"
    if verb == "PLAY" and 2 <= len(words) <= 4:
        from_ms = _parse_seconds(words[2]) if len(words) > 2 else -1
        to_ms = _parse_seconds(words[3]) if len(words) > 3 else _FAR_MS
        if from_ms is not None and to_ms is not None:
            end = context.world.history_end
            return _find_buffers(context, words[1], lambda context, found: _play(context, found, from_ms, to_ms, end))
    elif verb == "LIST" and len(words) <= 2:
        return _find_buffers(context, words[1] if len(words) > 1 else "*", _list)
    elif verb == "CLEAR" and len(words) == 2:
        return _find_buffers(context, words[1], lambda context, found: _clear(context, found, words[1]))
    if verb == "HELP":
        for name, usage in _USAGES.items():
            _answer(context, f"{usage}: {_MEANINGS[name]}")
    elif verb in _USAGES:
        _answer(context, f"Usage: {_USAGES[verb]}")
    else:
        _answer(context, "Unknown command! Try Help.")
    return None


def _answer(context: Context, text: str, module: str = PLAYBACK_NAME) -> None:
    """Answer as a module of the bouncer does."""
    event = context.world.outbox.event(f"{module}!znc@znc.in", f"PRIVMSG {context.nick} :{text}")
    context.say(event)


def _parse_seconds(word: str) -> int | None:
    """Parse a time in seconds since 1970. Returns milliseconds, or None if it is no such time."""
    match = _SECONDS.fullmatch(word)
    if match is None:
        return None
    # Not by way of a float, which could round to the millisecond before.
    return int(match[1]) * 1000 + int(f"{match[2] or ''}000"[:3])


def _failed(context: Context) -> None:
    _answer(context, "The messages could not be read, try again later")


def _find_buffers(context: Context, words: str, act: _Act) -> Pending:
    """Find the user's buffers that match one of the masks, and go on with them."""
    matchers = [make_matcher(mask) for mask in words.split(",")[:_MOST_MASKS]]
    account, renames = context.user.account, context.world.channel_renames
    up_to = context.world.history_end
    account_id = account.id if account is not None else None
    names = [channel.name for channel in context.user.channels]

    def read(stores: Stores) -> list[LastSaid]:
        return stores.history.targets(names, account_id, _FAR_MS, -1, _MOST_BUFFERS, up_to=up_to)

    def then(context: Context, found: list[LastSaid]) -> Pending | None:
        if context.world.channel_renames != renames:
            return _find_buffers(context, words, act)  # some of the names may be of before
        cleared, buffers = context.user.account_data.cleared, dict[str, _Buffer]()
        for conversation, _, message_id in found:
            name = name_of(context, conversation, message_id)
            readable = find_readable(context, name) if name else None
            above = max(cleared.get(casefold(name), 0), readable.after if readable is not None else 0)
            if readable is not None and above < message_id and any(fits(name) for fits in matchers):
                buffers[name] = _Buffer(name, readable, above)
        return act(context, list(buffers.values()))

    return look_up(context, read, then, _failed)


# -- the commands ---------------------------------------------------------------------------------


def _play(context: Context, buffers: list[_Buffer], from_ms: int, to_ms: int, end: int | None) -> Pending | None:
    """Show the messages after ``from_ms``, up to and with ``to_ms``. If there are too many, show the newest.

    ``end`` is as in ``OneNode.history_end``.
    """
    if not buffers:
        return None
    limit, most = context.world.settings.history.max_query, most_bytes(context)
    account, is_echoed = context.user.account, bool(context.session.caps & caps.ECHO_MESSAGE)
    own = account.id if account is not None else None

    def read(stores: Stores) -> list[tuple[_Buffer, list[Entry]]]:
        played, room = [], most
        for buffer in reversed(buffers):  # the one with the newest message first
            first, *also = buffer.readable.conversations
            # From the later bound backwards: without those at the bounds, hence the millisecond.
            found = stores.history.between(
                first, AtTime(to_ms + 1), AtTime(from_ms), limit, up_to=end, above=buffer.above, also=also
            )
            if buffer.readable.channel is None and not is_echoed:
                # A client that expects no messages of its own would show them as the other user's.
                found = [entry for entry in found if entry.account_id != own]
            if found and room > 0:
                fitting = fit(found, room, newest=True)
                room -= sum(map(size_of, fitting))
                played.append((buffer, list(fitting)))
        return played[::-1]

    def then(context: Context, found: list[tuple[_Buffer, list[Entry]]]) -> None:
        for buffer, entries in found:
            if is_same(buffer.readable, find_readable(context, buffer.name)):
                _show(context, buffer.name, entries)

    return look_up(context, read, then, _failed)


def _show(context: Context, name: str, entries: list[Entry]) -> None:
    """Show a buffer: in a batch, or between the two lines by which clients without batches know a playback."""
    session, events = context.session, [to_event(entry) for entry in entries]
    if not session.variant & caps.SERVER_TIME:
        for event, entry in zip(events, entries, strict=True):
            stamp(event, entry, context.world.wall_ms)
    if session.caps & caps.BATCH:
        show(context, f"znc.in/playback {name}", events)
        return
    outbox = context.world.outbox
    context.say(outbox.event("***!znc@znc.in", f"PRIVMSG {name} :Buffer Playback..."))
    show(context, "", events)
    context.say(outbox.event("***!znc@znc.in", f"PRIVMSG {name} :Playback Complete."))


def _list(context: Context, buffers: list[_Buffer]) -> Pending | None:
    """Answer with a line for each buffer: its name, and the times of its first and last message."""
    if not buffers:
        return None
    up_to = context.world.history_end

    def read(stores: Stores) -> list[tuple[_Buffer, int, int]]:
        listed = []
        for buffer in buffers:
            first, *also = buffer.readable.conversations
            begin = stores.history.after(first, AtMessageId(buffer.above), 1, up_to=up_to, also=also)
            end = stores.history.latest(first, 1, up_to=up_to, above=buffer.above, also=also)
            if begin and end:
                listed.append((buffer, begin[0].time_ms, end[0].time_ms))
        return listed

    def then(context: Context, found: list[tuple[_Buffer, int, int]]) -> None:
        for buffer, begin_ms, end_ms in found:
            if is_same(buffer.readable, find_readable(context, buffer.name)):
                _answer(context, f"{buffer.name} {_seconds(begin_ms)} {_seconds(end_ms)}")

    return look_up(context, read, then, _failed)


def _seconds(time_ms: int) -> str:
    return f"{time_ms // 1000}.{time_ms % 1000:03d}"


def _clear(context: Context, buffers: list[_Buffer], words: str) -> None:
    """Note that what was said in the buffers until now is not to be played again."""
    world, user = context.world, context.user
    cleared, up_to = user.account_data.cleared, world.outbox.seq
    names = [casefold(buffer.name) for buffer in buffers]
    for name in names:
        cleared[name] = up_to
    dropped = sorted(cleared, key=lambda name: cleared[name])[: max(0, len(cleared) - MOST_CLEARED)]
    for name in dropped:
        del cleared[name]
    world.note_change(user, "account_data")
    account = user.account
    if account is not None and names:
        kept = {name: up_to for name in names if name in cleared}
        world.work.write(lambda stores: stores.account_data.clear_playback(account.id, kept, dropped))
    _answer(
        context, f"The playback buffer for [{len(buffers)}] buffers matching [{printable(words)}] has been cleared."
    )
