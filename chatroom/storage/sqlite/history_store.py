"""Reading what was said, and taking out of it.

A query has two parts: what ``places`` knows, by its indexes, and the rows behind the last one that it knows, which are
few and are read through. Two orders are in use: by number, which is as people read it, and by moment, for questions
that name one; they differ only where a clock was set back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

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
from chatroom.irc.names import casefold
from chatroom.storage.sqlite import audit_store, history_index, history_search
from chatroom.storage.sqlite.database import Database
from chatroom.storage.sqlite.history_rows import (
    INDEXED,
    LAST_MESSAGE_KIND,
    SELECT,
    direct_conversations,
    find_conversation,
    to_entry,
)

_NO_MOMENT = -1
_END = 2**63 - 1


class _Span(NamedTuple):
    """What lies between two places, neither of which is part of it: each a moment and, within it, a number."""

    low: tuple[int, int] = (_NO_MOMENT, _END)
    high: tuple[int, int] = (_END, -1)
    up_to: int = _END
    by_time: bool = True

    def condition(self, id_column: str) -> str:
        """The SQL condition for rows in the span. ``id_column`` is the column that holds the message id."""
        if not self.by_time:
            return f"{id_column} > :low AND {id_column} <= :up_to"
        # A comparison of pairs is one range of the index places_by_time.
        pair = f"(time_ms, {id_column})"
        return f"{pair} > (:low_ms, :low) AND {pair} < (:high_ms, :high) AND {id_column} <= :up_to"

    def sort_key(self, time_column: str, id_column: str, direction: str) -> str:
        """The SQL terms that sort rows in the span's order."""
        return f"{time_column} {direction}, {id_column} {direction}" if self.by_time else f"{id_column} {direction}"

    def query(self, table: str, id_column: str, condition: str, direction: str) -> str:
        """The SQL that finds ids and times of the first rows of the span in one table."""
        return (
            f"SELECT {id_column} AS id, time_ms FROM {table} WHERE conversation_id = :conversation AND {condition}"
            f" AND {self.condition(id_column)} ORDER BY {self.sort_key('time_ms', id_column, direction)} LIMIT :limit"
        )


class History:
    """Implements ``chatroom.chat.stored.history_stores.HistoryStore``. Belongs to the thread of its connection."""

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
    ) -> list[Entry]:
        """The newest entries, as far as they are after ``after`` and their number is at most ``up_to``."""
        last = _END if up_to is None else up_to
        with self._database.snapshot():
            if after is None:
                span = _Span((_NO_MOMENT, -1), up_to=last, by_time=False)
            elif isinstance(after, AtMessageId):
                span = _Span((_NO_MOMENT, after.message_id), up_to=last, by_time=False)
            else:
                span = _Span((after.time_ms, _END), up_to=last)
            return self._read(conversation, span, limit, newest=True, events=events)

    def before(self, conversation: Conversation, bound: Bound, limit: int, *, events: bool = False) -> list[Entry]:
        """The newest entries before ``bound``."""
        with self._database.snapshot():
            return self._before(conversation, bound, limit, events)

    def after(self, conversation: Conversation, bound: Bound, limit: int, *, events: bool = False) -> list[Entry]:
        """The oldest entries after ``bound``."""
        with self._database.snapshot():
            return self._after(conversation, bound, limit, events)

    def around(self, conversation: Conversation, bound: Bound, limit: int, *, events: bool = False) -> list[Entry]:
        """Entries before ``bound``, at it, and after it, as many of either side as there are and ``limit`` allows."""
        with self._database.snapshot():
            earlier = self._before(conversation, bound, limit, events)
            # From the bound itself on.
            from_it = AtMessageId(bound.message_id - 1) if isinstance(bound, AtMessageId) else AtTime(bound.time_ms - 1)
            later = self._after(conversation, from_it, limit, events)
        of_earlier = max(limit // 2, limit - len(later))
        earlier = earlier[-of_earlier:] if of_earlier else []
        return earlier + later[: limit - len(earlier)]

    def between(
        self, conversation: Conversation, start: Bound, end: Bound, limit: int, *, events: bool = False
    ) -> list[Entry]:
        """The first entries on the way from ``start`` to ``end``, which may be the earlier one."""
        with self._database.snapshot():
            if isinstance(start, AtMessageId) and isinstance(end, AtMessageId):
                low, high = sorted((start.message_id, end.message_id))
                span = _Span((_NO_MOMENT, low), up_to=high - 1, by_time=False)
                return self._read(conversation, span, limit, newest=start.message_id > end.message_id, events=events)
            first, last = self._moment(start), self._moment(end)
            backward = first > last
            early, late = (end, start) if backward else (start, end)
            span = _Span(self._moment(early, _END), self._moment(late, -1))
            return self._read(conversation, span, limit, newest=backward, events=events)

    def direct_since(self, account_id: int, after: Bound, limit: int, *, up_to: int | None = None) -> list[Entry]:
        """The newest messages of all of an account's direct conversations, by either side, after ``after``."""
        with self._database.snapshot():
            low = after.message_id if isinstance(after, AtMessageId) else first_message_id(after.time_ms + 1) - 1
            moment = _NO_MOMENT if isinstance(after, AtMessageId) else after.time_ms
            high = _END if up_to is None else up_to
            # A JSON array instead of one parameter for each id: both halves of the query use it, and a statement whose
            # text does not change is compiled once.
            ids = json.dumps(direct_conversations(self._database, account_id))
            rows = self._database.rows(
                # +time_ms is not looked up in an index. SQLite would otherwise take the index by time, which serves one
                # bound; the primary key serves both bounds of the message id.
                f"{SELECT} WHERE m.id IN ("
                " SELECT message_id FROM places WHERE conversation_id IN (SELECT value FROM json_each(?1))"
                " AND event = 0 AND message_id > ?2 AND message_id <= ?3 AND +time_ms > ?4"
                f" UNION ALL SELECT id FROM messages WHERE id > max(?2, {INDEXED}) AND id <= ?3 AND time_ms > ?4"
                f" AND kind <= {LAST_MESSAGE_KIND} AND conversation_id IN (SELECT value FROM json_each(?1))"
                " ORDER BY 1 DESC LIMIT ?5) ORDER BY m.id",
                (ids, low, high, moment, limit),
            )
        return [to_entry(row) for row in rows]

    def targets(
        self, channels: Iterable[str], account_id: int | None, start_ms: int, end_ms: int, limit: int
    ) -> list[LastSaid]:
        """Of these channels and the account's direct conversations, those last written to between the two moments.

        By that moment, oldest first; neither moment is part of it. Where there are more, the first ones on the way
        from ``start_ms`` to ``end_ms``, which may be the earlier one.
        """
        low, high = sorted((start_ms, end_ms))
        order = "DESC" if start_ms > end_ms else "ASC"
        with self._database.snapshot():
            ids = [] if account_id is None else direct_conversations(self._database, account_id)
            # asked: the conversations. newer: the last message of each that is not indexed, MATERIALIZED because it
            # would otherwise be computed for each conversation. said: the last message of each, indexed or not. JSON
            # arrays for the reason given in ``direct_since``.
            rows = self._database.rows(
                "WITH asked AS ("
                " SELECT id, name, low_id, high_id FROM conversations WHERE id IN (SELECT value FROM json_each(?1))"
                " UNION ALL SELECT c.id, c.name, NULL, NULL FROM json_each(?2) AS wanted JOIN conversations AS c"
                " ON c.folded = wanted.value AND c.name IS NOT NULL AND c.ended_ms IS NULL),"
                " newer AS MATERIALIZED (SELECT conversation_id, max(id) AS last FROM messages"
                f" WHERE id > {INDEXED} AND kind <= {LAST_MESSAGE_KIND} GROUP BY conversation_id),"
                " said AS (SELECT asked.*, coalesce((SELECT last FROM newer WHERE conversation_id = asked.id),"
                " (SELECT message_id FROM places WHERE conversation_id = asked.id AND event = 0"
                " ORDER BY message_id DESC LIMIT 1)) AS last FROM asked)"
                " SELECT said.name, said.low_id, said.high_id, m.time_ms FROM said"
                " JOIN messages AS m ON m.id = said.last"
                f" WHERE m.time_ms > ?3 AND m.time_ms < ?4 ORDER BY m.time_ms {order}, m.id {order} LIMIT ?5",
                (json.dumps(ids), json.dumps(list({casefold(name) for name in channels})), low, high, limit),
            )
        if order == "DESC":
            rows.reverse()
        return [LastSaid((a, b) if name is None else name, time_ms) for name, a, b, time_ms in rows]

    def find(self, number: int) -> Entry | None:
        """The entry with that number."""
        row = self._database.row(f"{SELECT} WHERE m.id = ?", (number,))
        return None if row is None else to_entry(row)

    def search(self, search: Search) -> list[Entry]:
        """The messages that are looked for. Raises ``InvalidValue`` where there is no word to look for."""
        return history_search.search(self._database, search)

    def redact(self, number: int, by: Actor, reason: str = "") -> Entry:
        """Take one entry out, with an audit row (without its text). Raises ``NotFound``.

        No query finds it any more; its bytes leave the files as ``HistoryUpkeep.scrub_some`` is called.
        """
        with self._database.transaction():
            entry = self.find(number)
            if entry is None:
                raise NotFound("there is no such message")
            history_index.remove(self._database, [number])
            history_index.ask_for_scrub(self._database)
            audit_store.add_row(
                self._database, by, "history.redact", entry.source.partition("!")[0], _where_and_why(entry, reason)
            )
        return entry

    def _before(self, conversation: Conversation, bound: Bound, limit: int, events: bool) -> list[Entry]:
        if isinstance(bound, AtMessageId):
            span = _Span((_NO_MOMENT, -1), up_to=bound.message_id - 1, by_time=False)
        else:
            span = _Span(high=(bound.time_ms, -1))
        return self._read(conversation, span, limit, newest=True, events=events)

    def _after(self, conversation: Conversation, bound: Bound, limit: int, events: bool) -> list[Entry]:
        if isinstance(bound, AtMessageId):
            span = _Span((_NO_MOMENT, bound.message_id), by_time=False)
        else:
            span = _Span((bound.time_ms, _END))
        return self._read(conversation, span, limit, newest=False, events=events)

    def _moment(self, bound: Bound, within: int = 0) -> tuple[int, int]:
        """A bound's place by moment; ``within`` is the number that stands for all that was said at that moment."""
        if isinstance(bound, AtTime):
            return bound.time_ms, within
        row = self._database.row("SELECT time_ms FROM messages WHERE id = ?", (bound.message_id,))
        return (time_ms_of(bound.message_id) if row is None else row[0]), bound.message_id

    def _read(self, where: Conversation, span: _Span, limit: int, *, newest: bool, events: bool) -> list[Entry]:
        """The newest or oldest ``limit`` entries of the span, oldest first."""
        conversation_id = find_conversation(self._database, where)
        if conversation_id is None:
            return []
        direction = "DESC" if newest else "ASC"
        # One query for each value of ``event``: each reads an index in its order and stops after ``limit`` rows. A
        # single query with ``event IN (0, 1)`` would read and sort the whole span.
        queries = [
            span.query("places", "message_id", f"event = {event}", direction) for event in ((0, 1) if events else (0,))
        ]
        not_indexed = f"id > {INDEXED}" if events else f"id > {INDEXED} AND kind <= {LAST_MESSAGE_KIND}"
        queries.append(span.query("messages", "id", not_indexed, direction))
        # A SELECT around each, because SQLite takes no ORDER BY and LIMIT in a part of a UNION.
        found = " UNION ALL ".join(f"SELECT * FROM ({query})" for query in queries)
        rows = self._database.rows(
            f"{SELECT} JOIN ({found} ORDER BY {span.sort_key('time_ms', 'id', direction)} LIMIT :limit) AS found"
            f" ON found.id = m.id ORDER BY {span.sort_key('m.time_ms', 'm.id', direction)}",
            {
                "conversation": conversation_id,
                "low_ms": span.low[0],
                "low": span.low[1],
                "high_ms": span.high[0],
                "high": span.high[1],
                "up_to": span.up_to,
                "limit": limit,
            },
        )
        if newest:
            rows.reverse()
        return [to_entry(row) for row in rows]


def _where_and_why(entry: Entry, reason: str) -> str:
    where = entry.conversation if isinstance(entry.conversation, str) else "a direct message"
    return f"{entry.msgid} in {where}" + (f": {reason}" if reason else "")
