"""SEARCH: searching the history for words, an author or a time.

Source: soju.im/search, an extension of the soju bouncer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.delivery.playback import fit, to_event
from chatroom.chat.stored.entries import AtTime, Conversation, Entry, Search
from chatroom.commands.action_limits import may_search
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.reading.history_access import (
    Readable,
    find_readable,
    is_same,
    look_up,
    most_bytes,
    parse_limit,
    show,
)
from chatroom.irc import caps
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.message import parse_tags
from chatroom.irc.names import casefold
from chatroom.irc.times import parse_time

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.stored.stores import Stores

_ATTRIBUTES = ("in", "from", "after", "before", "text", "limit")
_DEFAULT_LIMIT = 100
_MOST_NAMED = 4  # of the wrong attributes of one line, which may be many
_MayRead = Callable[[Entry], bool]


_WORK_BYTES = 65_536
"""A search takes as long as answering so many bytes, whatever it finds."""


@command("SEARCH", "[<attributes>]")
def search(context: Context, params: list[str]) -> Pending | None:
    r"""Searches stored messages by attributes, which are separated by semicolons:

    in=#channel or in=nick: only this channel or conversation; without it, all that you may read
    from=nick: only messages of this user
    text=some\swords: only messages with these words; \s is a space, and ca* is any word that begins with ca
    after=2030-01-04T14:33:26.123Z: only messages after this time
    before=2030-01-04T14:33:26.123Z: only messages before this time
    limit=10: at most so many messages
    """
    attributes = parse_tags(params[0]) if params else {}
    wrong = [name for name in attributes if name not in _ATTRIBUTES]
    most = context.world.settings.history.max_query
    limit = parse_limit(attributes["limit"]) if "limit" in attributes else min(_DEFAULT_LIMIT, most)
    moments = {name: parse_time(attributes[name]) for name in ("after", "before") if name in attributes}
    wrong += [name for name, time_ms in moments.items() if time_ms is None]
    if not 0 < limit <= most:
        wrong.append("limit")
    readable = find_readable(context, attributes["in"]) if "in" in attributes else None
    if "in" in attributes and readable is None:
        wrong.append("in")
    if wrong or not any(value.strip() for value in attributes.values()):
        context.fail("INVALID_PARAMS", *wrong[:_MOST_NAMED], text="Invalid parameters")
        return None
    after, before = moments.get("after"), moments.get("before")
    query = Search(
        attributes.get("text", ""),
        sender=attributes.get("from", ""),
        # One millisecond off, because a search leaves its bounds out, and messages at these very times count.
        after=None if after is None else AtTime(after - 1),
        before=None if before is None else AtTime(before + 1),
        limit=limit,
        oldest=after is not None,
    )
    if not may_search(context):
        return None
    context.world.costs.work_bytes += _WORK_BYTES
    return _search(context, query, readable, attributes.get("in", ""))


def _search(context: Context, query: Search, readable: Readable | None, target: str) -> Pending:
    account = context.user.account
    query = query._replace(up_to=context.world.history_end)
    if readable is not None:
        query = query._replace(conversations=readable.conversations)
    else:
        names = [channel.name for channel in context.user.channels]
        query = query._replace(conversations=names, account_id=account.id if account is not None else None)

    most, renames = most_bytes(context), context.world.channel_renames

    def read(stores: Stores) -> list[tuple[Entry, Event]] | None:
        if readable is not None and not readable.is_known and not any(map(stores.history.has, readable.conversations)):
            return None
        # An earlier version stored CTCP requests, which a client might answer.
        found = [entry for entry in stores.history.search(query) if not is_ctcp_request(entry.text)]
        entries = fit(found, most, newest=not query.oldest)
        return [(entry, to_event(entry)) for entry in entries]

    def then(context: Context, found: list[tuple[Entry, Event]] | None) -> Pending | None:
        if readable is None:
            if context.world.channel_renames != renames:
                return _search(context, query, None, "")
            may_read = _readable_anywhere(context, account)
        elif found is not None and is_same(readable, find_readable(context, target)):
            may_read = _readable_after(readable.after)
        else:
            context.fail("INVALID_PARAMS", "in", text="Invalid parameters")
            return None
        readable_events = [event for entry, event in found or () if may_read(entry)]
        show(context, "soju.im/search", readable_events)
        # A client with batches reads an empty one. Any other would read nothing at all.
        if not readable_events and not context.session.caps & caps.BATCH:
            context.note("NOTHING_FOUND", text="No message matches")
        return None

    def failed(context: Context) -> None:
        context.fail("INTERNAL_ERROR", text="The search could not be run")

    return look_up(context, read, then, failed)


def _readable_after(message_id: int) -> _MayRead:
    return lambda entry: entry.message_id > message_id


def _readable_anywhere(context: Context, account: AccountEntry | None) -> _MayRead:
    """Judge the entries of a search without ``in=``, by the rights that the user has when it is done.

    ``account`` is the one that the user had when it asked: the search has looked through its direct messages.
    """
    after: dict[Conversation, int] = {
        channel.folded: channel.readable_after(context.user, context.role) for channel in context.user.channels
    }
    is_same_account = account is not None and context.user.account is not None and context.user.account.id == account.id

    def may_read(entry: Entry) -> bool:
        conversation = entry.conversation
        if isinstance(conversation, str):
            message_id = after.get(casefold(conversation))
            return message_id is not None and entry.message_id > message_id
        return is_same_account

    return may_read
