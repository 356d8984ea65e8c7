from __future__ import annotations

from chatroom.chat.stored.entries import Entry
from chatroom.storage.sql.history_rows import MessageRow
from chatroom.storage.sql.sql_stores import SqlStores

RENAMED = {"message_id": "id", "conversation": "conversation_id", "text": "body"}


def test_rows_have_the_order_of_entries() -> None:
    """A row's columns are an entry's fields, in their order: the journal takes an entry's values as they come."""
    assert MessageRow._fields == tuple(RENAMED.get(field, field) for field in Entry._fields)
    # The four positions that ``SqliteJournal.write`` spells out.
    assert (Entry._fields[2], Entry._fields[7]) == ("conversation", "target")
    assert (MessageRow._fields[-9], MessageRow._fields[-4]) == ("conversation_id", "target")


def test_rows_have_all_columns(stores: SqlStores) -> None:
    """No column of the table is missing from the statements that write and read it."""
    told = stores.database.execute("SELECT * FROM messages")
    assert {column[0] for column in told.description} == set(MessageRow._fields)
