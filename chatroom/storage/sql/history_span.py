"""The bounds of a page of the history, as SQL."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.chat.stored.entries import Entry

# Below and above all times and message ids: what 64 bits hold.
BEFORE_ALL = -1
AFTER_ALL = 2**63 - 1


class Span(NamedTuple):
    """The entries between two bounds, without those at the bounds. A bound is a time and a message id at that time.

    All entries of a millisecond are at a bound that is a time: a lower bound then has the highest message id, an upper
    bound the lowest one.
    """

    low: tuple[int, int] = (BEFORE_ALL, AFTER_ALL)
    high: tuple[int, int] = (AFTER_ALL, BEFORE_ALL)
    up_to: int = AFTER_ALL
    """The highest message id in the span."""
    by_time: bool = True
    """False for the order of message ids; then ``low[1]`` and ``up_to`` are the only bounds."""
    above: int = 0
    """If ``by_time``: all entries of the span have higher message ids than this."""

    def rest_of(self, entry: Entry, *, newest: bool) -> Span:
        """The entries of the span with the time of ``entry``, before it (``newest``) or after it."""
        first, last = (BEFORE_ALL, entry.message_id) if newest else (entry.message_id, AFTER_ALL)
        low, high, above = (entry.time_ms, first), (entry.time_ms, last), self.above
        if self.by_time:
            low, high = max(low, self.low), min(high, self.high)
        else:
            above = self.low[1]
        return Span(low, high, self.up_to, above=above)

    def condition(self, id_column: str) -> str:
        """The SQL condition for rows in the span. ``id_column`` is the name of the column with the message id."""
        if not self.by_time:
            return f"{id_column} > :low AND {id_column} <= :up_to"
        # A comparison of pairs is one range of the index places_by_time.
        pair = f"(time_ms, {id_column})"
        return f"{pair} > (:low_ms, :low) AND {pair} < (:high_ms, :high) AND {id_column} BETWEEN :above + 1 AND :up_to"

    def sort_key(self, time_column: str, id_column: str, direction: str) -> str:
        """The SQL terms that sort rows in the span's order. ``direction`` is ``ASC`` or ``DESC``."""
        return f"{time_column} {direction}, {id_column} {direction}" if self.by_time else f"{id_column} {direction}"

    def query(self, table: str, id_column: str, condition: str, direction: str) -> str:
        """The SQL that finds the ids and times of the span's first rows in one table."""
        return (
            f"SELECT {id_column} AS id, time_ms FROM {table} WHERE {condition}"
            f" AND {self.condition(id_column)} ORDER BY {self.sort_key('time_ms', id_column, direction)} LIMIT :limit"
        )
