"""Searches messages for words, also in those that are not indexed yet."""

from __future__ import annotations

from chatroom.chat.stored.entries import AtMessageId, Bound, Entry, Search, first_message_id
from chatroom.errors import InvalidValue
from chatroom.irc.names import casefold
from chatroom.storage.sql.contract import Database
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
from chatroom.storage.sql.history_words import Term, conversation_word, parse_words, plain_words, sender_word, words_of
from chatroom.storage.sql.word_index import Found, IndexedText

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


def search(database: Database, search: Search) -> list[Entry]:
    """The messages that match, in the order of message ids.

    Raises ``InvalidValue`` if the search has neither a word, nor a sender, nor a conversation.
    """
    is_anywhere = search.conversations is None and search.account_id is None
    if is_anywhere and not search.sender and not search.text.strip():
        raise InvalidValue("a search needs a word, a sender or a conversation")
    terms = parse_words(search.text) if search.text.strip() else []
    query: list[tuple[Term, ...]] = [(term,) for term in terms]
    index = database.words()
    index.prepare()
    with database.snapshot():
        conversation_ids = _conversation_ids(database, search)
        if conversation_ids is not None:
            if not conversation_ids:
                return []
            # A full-text query needs a term, so without any other it gets all conversations.
            if len(conversation_ids) <= _MOST_CONVERSATIONS or not (terms or search.sender):
                query.append(tuple(Term(conversation_word(one)) for one in conversation_ids))
        if search.sender:
            query.append(tuple(Term(sender_word(name)) for name in _names_of(database, search.sender)))
        found = _find(database, index.match(query), search, conversation_ids, _SKEW)
        new = _list_new(database, index.other_letters, conversation_ids, plain_words(terms))
        if new:
            found += _find(database, index.match_new(query, new), search, conversation_ids, _ANY_SKEW)
    # By message id, which is the first field of an entry and the same in no two.
    found.sort()
    return found[: search.limit] if search.oldest else found[-search.limit :]


def _find(
    database: Database, words: Found, search: Search, conversation_ids: list[int] | None, skew: str
) -> list[Entry]:
    """The messages of a full-text query. ``skew`` is that of ``_conditions``."""
    sql, values = _conditions(search, conversation_ids, skew, words.id)
    order = "ASC" if search.oldest else "DESC"
    rows = database.rows(
        f"{SELECT} {words.join} WHERE {words.condition} AND m.kind <= {LAST_MESSAGE_KIND}{sql}"
        f" ORDER BY {words.id} {order} LIMIT ?",
        (*words.values, *values, search.limit),
    )
    return [to_entry(row) for row in rows]


def _list_new(
    database: Database, other_letters: str, conversation_ids: list[int] | None, words: list[str]
) -> list[IndexedText]:
    """The messages that are not indexed yet.

    Messages of other conversations, or without one of the plain ``words``, are left out, because it takes ten times as
    long to index a row as to look at it.
    """
    conditions, values = "", list[object]()
    if conversation_ids is not None:
        conditions += f" AND conversation_id IN ({marks(conversation_ids)})"
        values += conversation_ids
    for word in words[:_MOST_PLAIN]:
        # A text that is not ASCII stays, because it can match without the plain word.
        conditions += f" AND (lower(body) LIKE ? OR {other_letters})"
        values.append(f"%{word}%")
    rows = database.rows(
        "SELECT id, conversation_id, source, account, body FROM messages"
        f" WHERE id > {INDEXED} AND kind <= {LAST_MESSAGE_KIND}{conditions} ORDER BY id",
        values,
    )
    return [IndexedText(row[0], words_of(*row[1:])) for row in rows]


def _names_of(database: Database, sender: str) -> list[str]:
    """The name, and those that its account had before: the index has the names as they were."""
    rows = database.rows(
        "SELECT f.folded FROM former_names AS f JOIN accounts AS a ON a.id = f.account_id WHERE a.folded = ?",
        (casefold(sender),),
    )
    return [sender, *(row[0] for row in rows)]


def _conversation_ids(database: Database, search: Search) -> list[int] | None:
    """The ids of the conversations to search; None means all."""
    if search.conversations is None and search.account_id is None:
        return None
    found = [find_conversation(database, conversation) for conversation in search.conversations or ()]
    direct = [] if search.account_id is None else direct_conversations(database, search.account_id)
    return sorted({one for one in found if one is not None} | set(direct))


def _conditions(
    search: Search, conversation_ids: list[int] | None, skew: str, id_column: str
) -> tuple[str, list[object]]:
    """SQL conditions on a found row, each after an AND, and their parameters. They do not rely on the full-text index.

    ``skew`` is SQL for the milliseconds that a message id is at most ahead of its time. ``id_column`` is the column of
    the index with the message id.
    """
    sql = ""
    values: list[object] = []
    if conversation_ids is not None:
        sql += f" AND m.conversation_id IN ({marks(conversation_ids)})"
        values += conversation_ids
    if search.sender:
        sql += f" AND (lower({ACCOUNT}) = ? OR lower(substr(m.source, 1, {len(search.sender) + 1})) = ?)"
        sender = casefold(search.sender)
        values += [sender, f"{sender}!"]
    if search.up_to is not None:
        sql += f" AND {id_column} <= ?"
        values.append(search.up_to)
    for bound, low in ((search.after, True), (search.before, False)):
        if bound is not None:
            condition, bound_values = _beyond(bound, low, skew, id_column)
            sql += condition
            values += bound_values
    return sql, values


def _beyond(bound: Bound, low: bool, skew: str, id_column: str) -> tuple[str, list[object]]:
    """The SQL condition for rows after a lower bound (``low``), or before an upper one, and its parameters."""
    # By time, the condition on the time implies the one on the id. The index can use only the latter.
    if isinstance(bound, AtMessageId):
        return f" AND {id_column} {'>' if low else '<'} ?", [bound.message_id]
    if low:
        return f" AND {id_column} >= ? AND m.time_ms > ?", [first_message_id(bound.time_ms + 1), bound.time_ms]
    return f" AND {id_column} < (? + {skew}) * {_IDS_PER_MS} AND m.time_ms < ?", [bound.time_ms, bound.time_ms]
