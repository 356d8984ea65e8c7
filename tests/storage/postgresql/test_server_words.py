"""The full-text index of a server: what it finds, compared with that of a file, and what it does not know of a text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from harness.postgresql_server import PostgresqlServer
from harness.written_history import keep_texts
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.stored.entries import Search
from chatroom.database_address import ServerAddress
from chatroom.errors import InvalidValue
from chatroom.storage.postgresql.postgresql_stores import open_stores
from chatroom.storage.postgresql.server_journal import open_journal
from chatroom.storage.postgresql.server_upkeep import open_upkeep
from chatroom.storage.postgresql.server_words import to_query, to_vector
from chatroom.storage.sql.history_words import Term, parse_words, sender_word, words_of
from chatroom.storage.sql.word_index import Query
from chatroom.storage.sqlite.sqlite_words import SqliteWords

pytestmark = pytest.mark.debian("postgres")

_PIECES = (
    "ca cat cats Catalog CAT a b the AND OR NOT NEAR( -cat cat- well-known it's don’t O'Neil c++ c# <-> !a a&b (a|b)"
    " a:* a\\b \\ ' `x` --- 3.14 1,234.5 ½ ② Ⅷ http://example.org/a_b?x=1&y=%20 user@host #tea @bob nick_ [away] __x__"
    " café CAFÉ cafe\u0301 e\u0301\u0327 Ệ ẹ\u0301 Ça straße STRASSE ﬁne İstanbul ı ΣΟΦΟΣ σοφός ŉ ǰ ΐ Ǆ ǅ ß ẞ ﷺ 𝔘 𐐀 𐐨"
    " 日本語 テスト 한국어 คุณ नमस्ते 😀 ♥ ♥\ufe0f 👩\u200d🚀 ✓ ™ ° a\u00adb \ue010 \ue0111 \uf8ff \x02bold\x02 \x0304red"
)
TEXTS = st.lists(
    st.tuples(st.sampled_from(_PIECES.split(" ")), st.sampled_from(["", " ", " ", ", ", "\n"])).map("".join),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def connection(postgresql_server: PostgresqlServer) -> Iterator[psycopg.Connection]:
    """A connection to a server."""
    with psycopg.connect(postgresql_server.address("postgres").url, autocommit=True) as connection:
        yield connection


@given(
    said=TEXTS,
    asked=TEXTS,
    start=st.integers(0, 60),
    length=st.integers(1, 30),
    shape=st.sampled_from(["{}", '"{}"', "{}*", '"{}*"']),
)
def test_a_search_finds_the_same_as_in_a_file(
    connection: psycopg.Connection, said: str, asked: str, start: int, length: int, shape: str
) -> None:
    """Words, phrases and prefixes, of the text itself and of others; also with a sender."""
    text = words_of(1, "nick_!u@h", "", said)
    for piece in (asked, said[start : start + length]):
        try:
            terms = [(term,) for term in parse_words(shape.format(piece.replace('"', " ").rstrip()))]
        except InvalidValue:
            continue
        for query in (terms, [*terms, (Term(sender_word("Nick_")), Term(sender_word("other")))]):
            (found,) = connection.execute(
                "SELECT CAST(%s AS tsvector) @@ CAST(%s AS tsquery)", (to_vector(text), to_query(query))
            ).fetchone() or (None,)
            assert found == is_found_in_a_file(text, query), ascii((text, query))


def is_found_in_a_file(text: str, query: Query) -> bool:
    """Whether FTS5 finds the text."""
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute('CREATE VIRTUAL TABLE message_words USING fts5 (body, tokenize = "unicode61 remove_diacritics 2")')
        file.execute("INSERT INTO message_words VALUES (?)", (text,))
        found = SqliteWords(None).match(query)  # type: ignore[arg-type] # it asks the database nothing
        rows = file.execute(f"SELECT 1 FROM message_words AS w WHERE {found.condition}", found.values)
        return rows.fetchone() is not None


def test_a_phrase_is_found_up_to_the_256th_place_of_its_word(address: ServerAddress) -> None:
    """PostgreSQL knows no more places of a word in a text. The words alone are found all the same."""
    with closing(open_journal(address)) as journal, closing(open_upkeep(address)) as upkeep:
        keep_texts(journal, [f"well {'ha ' * 256}stop", f"well {'ha ' * 257}stop"])
        assert upkeep.index_some()
    with open_stores(address) as stores:

        def count(text: str) -> int:
            return len(stores.history.search(Search(text)))

        assert [count(text) for text in ("ha stop", '"well ha"', '"ha stop"')] == [2, 2, 1]
