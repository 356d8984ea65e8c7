"""Looking for words in what was said, also in what the index does not know yet."""

from __future__ import annotations

from chatroom.chat.stored.entries import AtMessageId, Bound, Entry, Search, first_message_id
from chatroom.errors import InvalidValue
from chatroom.irc.names import casefold
from chatroom.storage.sqlite.database import Database
from chatroom.storage.sqlite.history_rows import (
    INDEXED,
    LAST_MESSAGE_KIND,
    SELECT,
    direct_conversations,
    find_conversation,
    marks,
    to_entry,
)
from chatroom.storage.sqlite.history_words import parse_words, place_word, plain_words, sender_word, words_of

_MOST_PLACES = 10
"""In how many conversations at most the index itself is to look; with more, its findings are sorted out by row."""
_MOST_PLAIN = 4
"""How many words at most are looked for in what the index does not know yet, before the other ones."""
_SKEW = "(SELECT value FROM history_state WHERE name = 'skew')"
# The skew of rows that are not indexed is not known; this one, of 35,000 years, excludes none of them, and its product
# with the ids of a millisecond still fits in 63 bits.
_ANY_SKEW = str(2**40)
_IDS_PER_MS = first_message_id(1)
_NEW_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.new_words USING fts5 ("
    """body, content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 2")"""
)


def search(database: Database, search: Search) -> list[Entry]:
    """The messages that ``search`` asks for, oldest first. Raises ``InvalidValue`` where it has no word.

    Without any text, a sender is enough, or where to look.
    """
    is_anywhere = search.conversations is None and search.account_id is None
    if is_anywhere and not search.sender and not search.text.strip():
        raise InvalidValue("a search needs a word, a sender, or a place to look in")
    terms = parse_words(search.text) if search.text.strip() else []
    words = plain_words(terms)
    # Made outside of the snapshot, whose end takes back what is written to it.
    database.execute(_NEW_WORDS)
    with database.snapshot():
        places = _places(database, search)
        if places is not None:
            if not places:
                return []
            if len(places) <= _MOST_PLACES or not (terms or search.sender):
                terms.append("(" + " OR ".join(f'"{place_word(place)}"' for place in places) + ")")
        if search.sender:
            terms.append(f'"{sender_word(search.sender)}"')
        query = " AND ".join(terms)
        found = _find(database, "message_words", query, search, _conditions(search, places, _SKEW))
        if _index_new(database, places, words):
            found += _find(database, "new_words", query, search, _conditions(search, places, _ANY_SKEW))
    # By message id: it is an entry's first field, and no two have the same.
    found.sort()
    return found[: search.limit] if search.oldest else found[-search.limit :]


def _find(database: Database, index: str, query: str, search: Search, where: tuple[str, list[object]]) -> list[Entry]:
    conditions, values = where
    order = "ASC" if search.oldest else "DESC"
    rows = database.rows(
        f"{SELECT} JOIN {index} AS w ON w.rowid = m.id"
        f" WHERE w.{index} MATCH ? AND m.kind <= {LAST_MESSAGE_KIND}{conditions} ORDER BY w.rowid {order} LIMIT ?",
        (query, *values, search.limit),
    )
    return [to_entry(row) for row in rows]


def _index_new(database: Database, places: list[int] | None, words: list[str]) -> bool:
    """Bring what is not in the index yet into one of this connection's own; whether there is any.

    Not what is elsewhere than in ``places``, nor what lacks one of the plain ``words``: making an index of a row takes
    ten times as long as looking at it.
    """
    conditions, values = "", list[object]()
    if places is not None:
        conditions += f" AND conversation_id IN ({marks(places)})"
        values += places
    for word in words[:_MOST_PLAIN]:
        # An ASCII text has as many bytes as letters.
        conditions += " AND (instr(lower(body), ?) OR length(body) < length(CAST(body AS BLOB)))"
        values.append(word)
    rows = database.rows(
        "SELECT id, conversation_id, source, account, body FROM messages"
        f" WHERE id > {INDEXED} AND kind <= {LAST_MESSAGE_KIND}{conditions} ORDER BY id",
        values,
    )
    database.execute_many(
        "INSERT INTO temp.new_words (rowid, body) VALUES (?, ?)", [(row[0], words_of(*row[1:])) for row in rows]
    )
    return bool(rows)


def _places(database: Database, search: Search) -> list[int] | None:
    """The ids of the conversations to look in; None where it is all of them."""
    if search.conversations is None and search.account_id is None:
        return None
    places = [find_conversation(database, where) for where in search.conversations or ()]
    direct = [] if search.account_id is None else direct_conversations(database, search.account_id)
    return sorted({place for place in places if place is not None} | set(direct))


def _conditions(search: Search, places: list[int] | None, skew: str) -> tuple[str, list[object]]:
    """What is true of every row that is answered, whatever the index says.

    ``skew`` is by how many milliseconds the numbers may be ahead of their moments.
    """
    text = ""
    values: list[object] = []
    if places is not None:
        text += f" AND m.conversation_id IN ({marks(places)})"
        values += places
    if search.sender:
        text += " AND (lower(m.account) = ? OR lower(substr(m.source, 1, length(?) + 1)) = ? || '!')"
        values += [casefold(search.sender)] * 3
    for bound, low in ((search.after, True), (search.before, False)):
        if bound is not None:
            condition, bound_values = _beyond(bound, low, skew)
            text += condition
            values += bound_values
    return text, values


def _beyond(bound: Bound, low: bool, skew: str) -> tuple[str, list[object]]:
    """What is true of a row behind a bound (``low``), or before it."""
    # By moment the first condition is implied by the second one; it is the one that the index can use.
    if isinstance(bound, AtMessageId):
        return (" AND w.rowid > ?" if low else " AND w.rowid < ?"), [bound.message_id]
    if low:
        return " AND w.rowid >= ? AND m.time_ms > ?", [first_message_id(bound.time_ms + 1), bound.time_ms]
    return f" AND w.rowid < (? + {skew}) * {_IDS_PER_MS} AND m.time_ms < ?", [bound.time_ms, bound.time_ms]
