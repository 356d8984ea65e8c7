"""Reads the history, and deletes single entries.

A query looks into the index of entries by conversation and time (the table ``places``), and reads through the entries
that are not indexed yet (``INDEXED``). It runs in one of two orders: by message id, as people read the history, or by
time, if a bound is a time. They differ only if the clock was set back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from chatroom.chat.stored.entries import (
    AtMessageId,
    AtTime,
    Bound,
    Conversation,
    Entry,
    LastSaid,
    Search,
    first_message_id,
    time_ms_of,
)
from chatroom.chat.stored.records import Actor
from chatroom.errors import NotFound
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, history_index, history_search
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.history_rows import (
    INDEXED,
    LAST_MESSAGE_KIND,
    SELECT,
    direct_conversations,
    find_conversation,
    to_conversation,
    to_entry,
)
from chatroom.storage.sql.history_span import AFTER_ALL, BEFORE_ALL, Span

_MOST_LEFT_OUT = 10_000
"""How many entries a page may read beyond its length in the place of those that it leaves out."""
_MOST_OF_A_MS = 1000
"""The most entries of one millisecond by which an answer may be longer than was asked for."""


class SqlHistory:
    """Implements ``chatroom.chat.stored.history_stores.HistoryStore``.

    Each method reads in a snapshot, so that the upkeep thread does not move entries to the index between two queries.
    """

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(
        self,
        conversation: Conversation,
        limit: int,
        *,
        after: Bound | None = None,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The newest entries after ``after``, with message ids up to ``up_to``."""
        last = _last(up_to)
        with self._database.snapshot():
            if isinstance(after, AtMessageId):
                span = Span((BEFORE_ALL, max(after.message_id, above)), up_to=last, by_time=False)
                return self._read((conversation, *also), span, limit, newest=True, events=events)
            if after is None:
                span = Span((BEFORE_ALL, above), up_to=last, by_time=False)
            else:
                span = Span((after.time_ms, AFTER_ALL), up_to=last, above=above)
            return self._read_page((conversation, *also), span, limit, newest=True, events=events)

    def before(
        self,
        conversation: Conversation,
        bound: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The newest entries before ``bound``."""
        with self._database.snapshot():
            return self._before((conversation, *also), bound, limit, events, above, _last(up_to))

    def after(
        self,
        conversation: Conversation,
        bound: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The oldest entries after ``bound``."""
        with self._database.snapshot():
            return self._after((conversation, *also), bound, limit, events, above, _last(up_to))

    def around(
        self,
        conversation: Conversation,
        bound: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """Entries around ``bound``: half from before it, half from the bound on."""
        with self._database.snapshot():
            # Up to ``limit`` on either side, because one side may have fewer entries than half.
            earlier = self._before((conversation, *also), bound, limit, events, above, _last(up_to))
            # One less, so that an entry at the bound is part of the answer.
            from_it = AtMessageId(bound.message_id - 1) if isinstance(bound, AtMessageId) else AtTime(bound.time_ms - 1)
            later = self._after((conversation, *also), from_it, limit, events, above, _last(up_to))
        of_earlier, whole_ms = min(max(limit // 2, limit - len(later)), len(earlier)), isinstance(bound, AtTime)
        earlier = _newest_of(earlier, of_earlier, whole_ms=whole_ms)
        return earlier + _oldest_of(later, limit - of_earlier, whole_ms=whole_ms)

    def between(
        self,
        conversation: Conversation,
        start: Bound,
        end: Bound,
        limit: int,
        *,
        up_to: int | None = None,
        events: bool = False,
        above: int = 0,
        also: Sequence[Conversation] = (),
    ) -> list[Entry]:
        """The entries between the bounds that are nearest to ``start``."""
        both, last = (conversation, *also), _last(up_to)
        with self._database.snapshot():
            if isinstance(start, AtMessageId) and isinstance(end, AtMessageId):
                low, high = sorted((start.message_id, end.message_id))
                span = Span((BEFORE_ALL, max(low, above)), up_to=min(high - 1, last), by_time=False)
                return self._read(both, span, limit, newest=start.message_id > end.message_id, events=events)
            is_backward = self._position(start, 0) > self._position(end, 0)
            early, late = (end, start) if is_backward else (start, end)
            span = Span(self._position(early, AFTER_ALL), self._position(late, BEFORE_ALL), last, above=above)
            return self._read_page(both, span, limit, newest=is_backward, events=events)

    def direct_since(self, account_id: int, after: Bound, limit: int, *, up_to: int | None = None) -> list[Entry]:
        """The newest direct messages to or from an account after ``after``."""
        with self._database.snapshot():
            # By time both bounds apply: that on the time decides, that on the message id is the one for the index.
            low = after.message_id if isinstance(after, AtMessageId) else first_message_id(after.time_ms + 1) - 1
            low_ms = BEFORE_ALL if isinstance(after, AtMessageId) else after.time_ms
            high = AFTER_ALL if up_to is None else up_to
            # A JSON array instead of one parameter for each id: both halves of the query use it, and a statement whose
            # text does not change is compiled once.
            ids = json.dumps(direct_conversations(self._database, account_id))
            listed = f"({self._database.numbers_of('?1')})"
            rows = self._database.rows(
                # +time_ms is not looked up in an index. SQLite would otherwise take the index by time, which serves one
                # bound; the primary key serves both bounds of the message id.
                f"{SELECT} WHERE m.id IN ("
                f" SELECT message_id FROM places WHERE conversation_id IN {listed}"
                " AND event = 0 AND message_id > ?2 AND message_id <= ?3 AND +time_ms > ?4"
                f" UNION ALL SELECT id FROM messages WHERE id > ?2 AND id > {INDEXED} AND id <= ?3 AND time_ms > ?4"
                f" AND kind <= {LAST_MESSAGE_KIND} AND conversation_id IN {listed}"
                " ORDER BY 1 DESC LIMIT ?5) ORDER BY m.id",
                (ids, low, high, low_ms, limit),
            )
        return [to_entry(row) for row in rows]

    def targets(
        self,
        channels: Iterable[str],
        account_id: int | None,
        start_ms: int,
        end_ms: int,
        limit: int,
        *,
        up_to: int | None = None,
    ) -> list[LastSaid]:
        """The channels and direct conversations that had their last message between two times."""
        low, high = sorted((start_ms, end_ms))
        direction = "DESC" if start_ms > end_ms else "ASC"
        with self._database.snapshot():
            ids = [] if account_id is None else direct_conversations(self._database, account_id)
            # asked: the conversations. newer: the last message of each that is not indexed, MATERIALIZED because it
            # would otherwise be computed for each conversation. said: the last message of each, indexed or not. JSON
            # arrays for the reason given in ``direct_since``.
            rows = self._database.rows(
                "WITH asked AS ("
                " SELECT id, name, low_id, high_id, guest FROM conversations"
                f" WHERE id IN ({self._database.numbers_of('?1')})"
                " UNION ALL SELECT c.id, c.name, NULL, NULL, NULL"
                f" FROM ({self._database.texts_of('?2')}) AS wanted JOIN conversations AS c"
                " ON c.folded = wanted.value AND c.name IS NOT NULL AND c.ended_ms IS NULL),"
                " newer AS MATERIALIZED (SELECT conversation_id, max(id) AS last FROM messages"
                f" WHERE id > {INDEXED} AND id <= ?6 AND kind <= {LAST_MESSAGE_KIND} GROUP BY conversation_id),"
                " said AS (SELECT asked.*, coalesce((SELECT last FROM newer WHERE conversation_id = asked.id),"
                " (SELECT message_id FROM places WHERE conversation_id = asked.id AND event = 0 AND message_id <= ?6"
                " ORDER BY message_id DESC LIMIT 1)) AS last FROM asked)"
                " SELECT said.name, said.low_id, said.high_id, said.guest, m.time_ms, m.id FROM said"
                " JOIN messages AS m ON m.id = said.last"
                f" WHERE m.time_ms > ?3 AND m.time_ms < ?4 ORDER BY m.time_ms {direction}, m.id {direction} LIMIT ?5",
                (
                    *(json.dumps(ids), json.dumps(list({casefold(name) for name in channels})), low, high),
                    *(limit + _MOST_OF_A_MS, _last(up_to)),
                ),
            )
        # The client asks for the next ones by the time of the last one, so all of its millisecond must be here.
        while len(rows) > limit and rows[-1][4] != rows[limit - 1][4]:
            rows.pop()
        if direction == "DESC":
            rows.reverse()
        return [LastSaid(to_conversation(*named), time_ms, last) for *named, time_ms, last in rows]

    def has(self, conversation: Conversation) -> bool:
        """True if anything was ever written for the conversation."""
        return find_conversation(self._database, conversation) is not None

    def find(self, message_id: int) -> Entry | None:
        """The entry with that message id, or None."""
        row = self._database.row(f"{SELECT} WHERE m.id = ?", (message_id,))
        return None if row is None else to_entry(row)

    def search(self, search: Search) -> list[Entry]:
        """The messages that match the search."""
        return history_search.search(self._database, search)

    def redact(self, message_id: int, by: Actor, reason: str = "") -> Entry:
        """Delete one entry and return it. Raises ``NotFound``."""
        with self._database.transaction():
            entry = self.find(message_id)
            if entry is None:
                raise NotFound("there is no such message")
            history_index.remove(self._database, [message_id])
            history_index.ask_for_scrub(self._database)
            audit_store.add_row(
                self._database, by, "history.redact", entry.source.partition("!")[0], _audit_detail(entry, reason)
            )
        return entry

    def _before(
        self, conversations: Sequence[Conversation], bound: Bound, limit: int, events: bool, above: int, last: int
    ) -> list[Entry]:
        if isinstance(bound, AtMessageId):
            span = Span((BEFORE_ALL, above), up_to=min(bound.message_id - 1, last), by_time=False)
            return self._read(conversations, span, limit, newest=True, events=events)
        span = Span(high=(bound.time_ms, BEFORE_ALL), up_to=last, above=above)
        return self._read_page(conversations, span, limit, newest=True, events=events)

    def _after(
        self, conversations: Sequence[Conversation], bound: Bound, limit: int, events: bool, above: int, last: int
    ) -> list[Entry]:
        if isinstance(bound, AtMessageId):
            span = Span((BEFORE_ALL, max(bound.message_id, above)), up_to=last, by_time=False)
            return self._read(conversations, span, limit, newest=False, events=events)
        span = Span((bound.time_ms, AFTER_ALL), up_to=last, above=above)
        return self._read_page(conversations, span, limit, newest=False, events=events)

    def _position(self, bound: Bound, message_id: int) -> tuple[int, int]:
        """A bound as a time and a message id. A bound that is a time gets ``message_id``."""
        if isinstance(bound, AtTime):
            return bound.time_ms, message_id
        # The entry's own time decides, because a message id can be ahead of it. A deleted entry has left only the id.
        row = self._database.row("SELECT time_ms FROM messages WHERE id = ?", (bound.message_id,))
        return (time_ms_of(bound.message_id) if row is None else row[0]), bound.message_id

    def _read_page(
        self, conversations: Sequence[Conversation], span: Span, limit: int, *, newest: bool, events: bool
    ) -> list[Entry]:
        """Like ``_read``, but the page does not end within a millisecond: it may be longer."""
        entries = self._read(conversations, span, limit, newest=newest, events=events)
        if len(entries) < limit:
            return entries
        span = span.rest_of(entries[0 if newest else -1], newest=newest)
        rest = self._read(conversations, span, _MOST_OF_A_MS, newest=newest, events=events)
        return rest + entries if newest else entries + rest

    def _read(
        self, conversations: Sequence[Conversation], span: Span, limit: int, *, newest: bool, events: bool
    ) -> list[Entry]:
        """The newest or oldest ``limit`` entries of the span in these conversations, oldest first.

        CTCP requests, which an earlier version stored, are left out, and further entries read in their place: a page
        that is too short would be the last one to a client.
        """
        wanted = limit
        while True:
            found = self._read_all(conversations, span, wanted, newest=newest, events=events)
            entries = [entry for entry in found if not is_ctcp_request(entry.text)]
            if len(entries) >= limit or len(found) < wanted or wanted > limit + _MOST_LEFT_OUT:
                return entries[-limit:] if newest else entries[:limit]
            wanted = 2 * wanted + 10

    def _read_all(
        self, conversations: Sequence[Conversation], span: Span, limit: int, *, newest: bool, events: bool
    ) -> list[Entry]:
        ids = [one for one in (find_conversation(self._database, each) for each in conversations) if one is not None]
        if not ids:
            return []
        direction = "DESC" if newest else "ASC"
        # One query for each conversation and value of ``event``: each reads an index in its order and stops after
        # ``limit`` rows. A single query with ``event IN (0, 1)`` would read and sort the whole span. There is
        # seldom more than one conversation, so few statements are compiled.
        queries = [
            span.query("places", "message_id", f"conversation_id = :c{number} AND event = {event}", direction)
            for number in range(len(ids))
            for event in ((0, 1) if events else (0,))
        ]
        marked = ", ".join(f":c{number}" for number in range(len(ids)))
        not_indexed = f"conversation_id IN ({marked}) AND id > {INDEXED}"
        if not events:
            not_indexed += f" AND kind <= {LAST_MESSAGE_KIND}"
        queries.append(span.query("messages", "id", not_indexed, direction))
        # A SELECT around each, because SQLite takes no ORDER BY and LIMIT in a part of a UNION.
        found = " UNION ALL ".join(f"SELECT * FROM ({query}) AS part" for query in queries)
        rows = self._database.rows(
            f"{SELECT} JOIN ({found} ORDER BY {span.sort_key('time_ms', 'id', direction)} LIMIT :limit) AS found"
            f" ON found.id = m.id ORDER BY {span.sort_key('m.time_ms', 'm.id', direction)}",
            {
                **{f"c{number}": one for number, one in enumerate(ids)},
                "low_ms": span.low[0],
                "low": span.low[1],
                "high_ms": span.high[0],
                "high": span.high[1],
                "up_to": span.up_to,
                "above": span.above,
                "limit": limit,
            },
        )
        if newest:
            rows.reverse()
        return [to_entry(row) for row in rows]


def _last(up_to: int | None) -> int:
    """The highest message id of an answer."""
    return AFTER_ALL if up_to is None else up_to


def _newest_of(entries: list[Entry], count: int, *, whole_ms: bool) -> list[Entry]:
    """The last ``count`` entries; with ``whole_ms`` all of the first one's millisecond."""
    start = max(len(entries) - count, 0)
    while whole_ms and 0 < start < len(entries) and entries[start - 1].time_ms == entries[start].time_ms:
        start -= 1
    return entries[start:]


def _oldest_of(entries: list[Entry], count: int, *, whole_ms: bool) -> list[Entry]:
    """The first ``count`` entries; with ``whole_ms`` all of the last one's millisecond."""
    end = max(count, 0)
    while whole_ms and 0 < end < len(entries) and entries[end - 1].time_ms == entries[end].time_ms:
        end += 1
    return entries[:end]


def _audit_detail(entry: Entry, reason: str) -> str:
    channel = entry.conversation if isinstance(entry.conversation, str) else "a direct message"
    return f"{entry.msgid} in {channel}" + (f": {reason}" if reason else "")
