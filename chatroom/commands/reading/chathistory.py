"""CHATHISTORY: reading the history of a channel or of the messages with a user.

Source: IRCv3 draft/chathistory and draft/event-playback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.chat.delivery.playback import fit, to_event
from chatroom.chat.stored.entries import (
    AtMessageId,
    AtTime,
    Bound,
    Conversation,
    Entry,
    LastSaid,
    first_message_id,
    message_id_of,
)
from chatroom.commands.action_limits import may_read_history
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.reading.history_access import (
    find_readable,
    is_same,
    look_up,
    most_bytes,
    name_of,
    parse_limit,
    show,
)
from chatroom.irc import caps
from chatroom.irc.times import format_time, parse_time

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.stored.history_stores import HistoryStore
    from chatroom.chat.stored.stores import Stores

_PARAMS = {"LATEST": 4, "BEFORE": 4, "AFTER": 4, "AROUND": 4, "BETWEEN": 5, "TARGETS": 4}
"""The number of parameters of each subcommand, with the subcommand itself."""
_NO_MESSAGES = "Messages could not be retrieved"


@command("CHATHISTORY", "[<subcommand> <target> <bounds> <limit>]")
def chathistory(context: Context, params: list[str]) -> Pending | None:
    """Shows the stored messages of a channel or of a conversation with a user, or lists those that have any:

    CHATHISTORY LATEST <target> <bound or *> <limit>
    CHATHISTORY BEFORE <target> <bound> <limit>
    CHATHISTORY AFTER <target> <bound> <limit>
    CHATHISTORY AROUND <target> <bound> <limit>
    CHATHISTORY BETWEEN <target> <bound> <bound> <limit>
    CHATHISTORY TARGETS <bound> <bound> <limit>: the channels and users with messages between two times
    A bound is timestamp=2030-01-04T14:33:26.123Z or msgid=<id>.
    """
    given = params[0] if params else ""
    wanted = _PARAMS.get(given.upper())
    if wanted is None:
        _refuse(context, given, text="Unknown command" if given else "Insufficient parameters")
    elif len(params) < wanted:
        _refuse(context, given, text="Insufficient parameters")
    elif len(params) > wanted:
        _refuse(context, given, text="Too many parameters")
    elif may_read_history(context):
        return _targets(context, params) if given.upper() == "TARGETS" else _messages(context, params)
    return None


def _refuse(context: Context, *words: str, text: str) -> None:
    context.fail("INVALID_PARAMS", *words, text=text)


def _parse_limit(context: Context, params: list[str]) -> int:
    """Return the number of entries that the client asks for. If it is invalid, refuse it and return 0."""
    most = context.world.settings.history.max_query
    limit = parse_limit(params[-1])
    if not 0 < limit <= most:
        _refuse(context, params[0], params[-1], text=f"Invalid limit: from 1 to {most}")
        return 0
    return limit


def _parse_bounds(context: Context, given: str, target: str, words: list[str]) -> list[Bound] | None:
    """Return the bounds that the words name. If one is invalid, refuse it and return None."""
    bounds: list[Bound] = []
    for word in words:
        kind, _, value = word.partition("=")
        if kind == "timestamp":
            time_ms = parse_time(value)
            if time_ms is None:
                _refuse(context, given, word, text="Invalid timestamp: YYYY-MM-DDThh:mm:ss.sssZ")
                return None
            bounds.append(AtTime(time_ms))
        elif kind == "msgid":
            number = message_id_of(value)
            if number is None:
                _refuse(context, given, word, text="Invalid msgid: no message was kept under it")
                return None
            bounds.append(AtMessageId(number))
        elif "=" in word:
            context.fail("INVALID_MSGREFTYPE", given, target, word, text="A bound begins with timestamp= or msgid=")
            return None
        else:
            _refuse(context, given, word, text="Invalid bound: timestamp=<time> or msgid=<id>")
            return None
    return bounds


# -- messages -------------------------------------------------------------------------------------


def _messages(context: Context, params: list[str]) -> Pending | None:
    given, target, *words, _ = params
    subcommand = given.upper()
    bounds = _parse_bounds(context, given, target, [] if subcommand == "LATEST" and words == ["*"] else words)
    limit = _parse_limit(context, params) if bounds is not None else 0
    if bounds is None or not limit:
        return None
    readable = find_readable(context, target)
    if readable is None:
        context.fail("INVALID_TARGET", given, target, text=_NO_MESSAGES)
        return None
    events = bool(context.session.caps & caps.EVENT_PLAYBACK)
    # All up to the end is told before the answer, and what follows is read live: so nothing is read twice.
    above, end, most = readable.after, context.world.history_end, most_bytes(context)

    def read(stores: Stores) -> list[Event] | None:
        if not readable.is_known and not any(map(stores.history.has, readable.conversations)):
            return None
        if not readable.conversations:
            return []
        entries = _read(stores.history, subcommand, readable.conversations, bounds, limit, events, above, end)
        return [to_event(entry) for entry in _cut(subcommand, bounds, entries, most)]

    def then(context: Context, found: list[Event] | None) -> None:
        if found is not None and is_same(readable, find_readable(context, target)):
            # The target as the client wrote it, by which it knows the answer.
            show(context, f"chathistory {target}", found)
        else:
            context.fail("INVALID_TARGET", given, target, text=_NO_MESSAGES)

    def failed(context: Context) -> None:
        context.fail("MESSAGE_ERROR", given, target, text=_NO_MESSAGES)

    return look_up(context, read, then, failed)


def _read(
    history: HistoryStore,
    subcommand: str,
    conversations: tuple[Conversation, ...],
    bounds: list[Bound],
    limit: int,
    events: bool,
    above: int,
    end: int | None,
) -> list[Entry]:
    first, also = conversations[0], conversations[1:]
    if subcommand == "LATEST":
        after = bounds[0] if bounds else None
        return history.latest(first, limit, after=after, up_to=end, events=events, above=above, also=also)
    if subcommand == "BETWEEN":
        return history.between(first, bounds[0], bounds[1], limit, up_to=end, events=events, above=above, also=also)
    read = {"BEFORE": history.before, "AFTER": history.after, "AROUND": history.around}[subcommand]
    return read(first, bounds[0], limit, up_to=end, events=events, above=above, also=also)


def _cut(subcommand: str, bounds: list[Bound], entries: Sequence[Entry], most: int) -> Sequence[Entry]:
    """Return as many entries as one answer may have: those nearest to the bound that the client counts from."""
    if subcommand == "AROUND":
        # Half of the bytes for each side of the bound, or else long earlier messages would leave nothing of the later.
        middle = len(entries) // 2
        earlier = fit(entries[:middle], most // 2, newest=True)
        return [*earlier, *fit(entries[middle:], most // 2, newest=False)]
    newest = subcommand in ("LATEST", "BEFORE")
    if subcommand == "BETWEEN":
        start, end = map(_number, bounds)
        newest = start > end
    return fit(entries, most, newest=newest)


def _number(bound: Bound) -> int:
    return bound.message_id if isinstance(bound, AtMessageId) else first_message_id(bound.time_ms)


# -- conversations with messages -------------------------------------------------------------------


def _targets(context: Context, params: list[str]) -> Pending | None:
    given, *words, _ = params
    bounds = _parse_bounds(context, given, "*", words)
    limit = _parse_limit(context, params) if bounds is not None else 0
    if bounds is None or not limit:
        return None
    start, end = bounds
    if not isinstance(start, AtTime) or not isinstance(end, AtTime):
        _refuse(context, given, *words, text="Both bounds must be timestamps")
        return None
    account = context.user.account
    account_id = account.id if account is not None else None
    names = [channel.name for channel in context.user.channels]
    start_ms, end_ms = start.time_ms, end.time_ms
    renames, up_to = context.world.channel_renames, context.world.history_end

    def read(stores: Stores) -> list[LastSaid]:
        return stores.history.targets(names, account_id, start_ms, end_ms, limit, up_to=up_to)

    def then(context: Context, found: list[LastSaid]) -> Pending | None:
        if context.world.channel_renames != renames:
            return _targets(context, params)  # some of the names may be of before
        times: dict[str, int] = {}
        for conversation, time_ms, message_id in found:
            name = name_of(context, conversation, message_id)
            # An account and a guest before it can have the same name. ``found`` has the later time behind the earlier.
            times.pop(name, None)
            if name:
                times[name] = time_ms
        with context.batch("draft/chathistory-targets"):
            for name, time_ms in times.items():
                context.from_server("CHATHISTORY", "TARGETS", name, format_time(time_ms))
        return None

    def failed(context: Context) -> None:
        context.fail("MESSAGE_ERROR", given, text=_NO_MESSAGES)

    return look_up(context, read, then, failed)
