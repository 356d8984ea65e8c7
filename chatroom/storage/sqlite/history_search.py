"""Searches messages for words, also in those that are not indexed yet."""

from __future__ import annotations

from chatroom.chat.stored.entries import AtMessageId, Bound, Entry, Search, first_message_id
from chatroom.errors import InvalidValue
from chatroom.irc.names import casefold
from chatroom.storage.sql.history_rows import (
    ACCOUNT,
    INDEXED,
    LAST_MESSAGE_KIND,
    SELECT,
    direct_conversations,
    find_conversation,
    marks,
    to_entry,
)
from chatroom.storage.sqlite.database import SqliteDatabase
from chatroom.storage.sqlite.history_words import conversation_word, parse_words, plain_words, sender_word, words_of

_MOST_CONVERSATIONS = 10
"""The most conversations that a full-text query names. With more, the rows it finds are filtered instead."""
_MOST_PLAIN = 4
"""The most words by which rows are filtered before they are indexed for one search."""
_SKEW = "(SELECT value FROM history_state WHERE name = 'skew')"
"""SQL for the milliseconds that the message id of an indexed entry is at most ahead of its time."""
# The skew of entries that are not indexed is not known. This one, of 35,000 years, excludes none of them, and times the
# message ids of a millisecond it still fits in 63 bits.
_ANY_SKEW = str(2**40)
_IDS_PER_MS = first_message_id(1)
# The tokenizer is that of ``message_words``, so that both find the same words.
_NEW_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.new_words USING fts5 ("
    """body, content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 2")"""
)


def search(database: SqliteDatabase, search: Search) -> list[Entry]:
    """The messages that match, in the order of message ids.

    Raises ``InvalidValue`` if the search has neither a word, nor a sender, nor a conversation.
    """
    is_anywhere = search.conversations is None and search.account_id is None
    if is_anywhere and not search.sender and not search.text.strip():
        raise InvalidValue("a search needs a word, a sender or a conversation")
    terms = parse_words(search.text) if search.text.strip() else []
    words = plain_words(terms)
    # Before the snapshot, because the table is to stay. What the search writes to it is rolled back with the snapshot.
    database.execute(_NEW_WORDS)
    with database.snapshot():
        conversation_ids = _conversation_ids(database, search)
        if conversation_ids is not None:
            if not conversation_ids:
                return []
            # A full-text query needs a term, so without any other it gets all conversations.
            if len(conversation_ids) <= _MOST_CONVERSATIONS or not (terms or search.sender):
                terms.append("(" + " OR ".join(f'"{conversation_word(one)}"' for one in conversation_ids) + ")")
        if search.sender:
            senders = " OR ".join(f'"{sender_word(name)}"' for name in _names_of(database, search.sender))
            terms.append(f"({senders})")
        query = " AND ".join(terms)
        found = _find(database, "message_words", query, search, _conditions(search, conversation_ids, _SKEW))
        if _index_new(database, conversation_ids, words):
            found += _find(database, "new_words", query, search, _conditions(search, conversation_ids, _ANY_SKEW))
    # By message id, which is the first field of an entry and the same in no two.
    found.sort()
    return found[: search.limit] if search.oldest else found[-search.limit :]


def _find(
    database: SqliteDatabase, index: str, query: str, search: Search, conditions: tuple[str, list[object]]
) -> list[Entry]:
    """The messages of a full-text query. ``index`` is the name of the FTS5 table."""
    sql, values = conditions
    order = "ASC" if search.oldest else "DESC"
    rows = database.rows(
        f"{SELECT} JOIN {index} AS w ON w.rowid = m.id"
        f" WHERE w.{index} MATCH ? AND m.kind <= {LAST_MESSAGE_KIND}{sql} ORDER BY w.rowid {order} LIMIT ?",
        (query, *values, search.limit),
    )
    return [to_entry(row) for row in rows]


def _index_new(database: SqliteDatabase, conversation_ids: list[int] | None, words: list[str]) -> bool:
    """Index the messages that are not in ``message_words`` yet, for this search only. Returns True if there are any.

    Messages of other conversations, or without one of the plain ``words``, are left out, because it takes ten times as
    long to index a row as to look at it.
    """
    conditions, values = "", list[object]()
    if conversation_ids is not None:
        conditions += f" AND conversation_id IN ({marks(conversation_ids)})"
        values += conversation_ids
    for word in words[:_MOST_PLAIN]:
        # A text with more bytes than characters is not ASCII: it stays, because it can match without the plain word.
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


def _names_of(database: SqliteDatabase, sender: str) -> list[str]:
    """The name, and those that its account had before: the index has the names as they were."""
    rows = database.rows(
        "SELECT f.folded FROM former_names AS f JOIN accounts AS a ON a.id = f.account_id WHERE a.folded = ?",
        (casefold(sender),),
    )
    return [sender, *(row[0] for row in rows)]


def _conversation_ids(database: SqliteDatabase, search: Search) -> list[int] | None:
    """The ids of the conversations to search; None means all."""
    if search.conversations is None and search.account_id is None:
        return None
    found = [find_conversation(database, conversation) for conversation in search.conversations or ()]
    direct = [] if search.account_id is None else direct_conversations(database, search.account_id)
    return sorted({one for one in found if one is not None} | set(direct))


def _conditions(search: Search, conversation_ids: list[int] | None, skew: str) -> tuple[str, list[object]]:
    """SQL conditions on a found row, each after an AND, and their parameters. They do not rely on the full-text index.

    ``skew`` is SQL for the milliseconds that a message id is at most ahead of its time.
    """
    sql = ""
    values: list[object] = []
    if conversation_ids is not None:
        sql += f" AND m.conversation_id IN ({marks(conversation_ids)})"
        values += conversation_ids
    if search.sender:
        sql += f" AND (lower({ACCOUNT}) = ? OR lower(substr(m.source, 1, length(?) + 1)) = ? || '!')"
        values += [casefold(search.sender)] * 3
    for bound, low in ((search.after, True), (search.before, False)):
        if bound is not None:
            condition, bound_values = _beyond(bound, low, skew)
            sql += condition
            values += bound_values
    return sql, values


def _beyond(bound: Bound, low: bool, skew: str) -> tuple[str, list[object]]:
    """The SQL condition for rows after a lower bound (``low``), or before an upper one, and its parameters."""
    # By time, the condition on the time implies the one on the rowid. FTS5 can use only the latter.
    if isinstance(bound, AtMessageId):
        return (" AND w.rowid > ?" if low else " AND w.rowid < ?"), [bound.message_id]
    if low:
        return " AND w.rowid >= ? AND m.time_ms > ?", [first_message_id(bound.time_ms + 1), bound.time_ms]
    return f" AND w.rowid < (? + {skew}) * {_IDS_PER_MS} AND m.time_ms < ?", [bound.time_ms, bound.time_ms]
