from __future__ import annotations

import sqlite3
import unicodedata
from collections import defaultdict
from contextlib import closing

import pytest

from chatroom.storage.postgresql.server_words import to_query, to_vector
from chatroom.storage.postgresql.word_splitting import MOST_LETTERS, split
from chatroom.storage.sql.history_words import Term


def test_words_are_those_of_the_other_engine() -> None:
    """Within a word, each character that is older than both lists does what it does in SQLite's full-text index."""
    known = [code for code in range(1, 0x110000) if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs")]
    found = defaultdict(list)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute('CREATE VIRTUAL TABLE t USING fts5 (body, tokenize = "unicode61 remove_diacritics 2")')
        connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, instance)")
        connection.executemany(
            "INSERT INTO t (rowid, body) VALUES (?, ?)", [(code, f"A{chr(code)}b") for code in known]
        )
        for word, code in connection.execute('SELECT term, doc FROM v ORDER BY doc, "offset"'):
            found[code].append(word)
    others = [f"{code:04X}" for code in known if split(f"A{chr(code)}b") != found[code]]
    # An A with two accents, which SQLite leaves, and two marks that were letters once.
    assert others == ["01E0", "01E1", "1885", "1886"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", []),
        (" ...!", []),
        ("Crème brûlée, it's 5 o'clock", ["creme", "brulee", "it", "s", "5", "o", "clock"]),
        ("don\N{COMBINING ACUTE ACCENT}t", ["dont"]),
        ("ΣΟΦΟΣ ǅ ﬁ", ["σοφοσ", "ǆ", "ﬁ"]),
        ("x" * 2000, ["x" * MOST_LETTERS]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """In small letters, without accents on ASCII letters, and not longer than PostgreSQL takes them."""
    assert split(text) == words


def test_a_vector_names_the_places_of_each_word() -> None:
    """Counted from 1; a phrase is words whose places follow each other."""
    assert to_vector("To be, or not to be") == "'to':1,5 'be':2,6 'or':3 'not':4"
    query = [[Term("not to"), Term("b*", is_prefix=True)], [Term("...")], [Term("Or")]]
    assert to_query(query) == "(('not' <-> 'to') | ('b':*)) & (('or'))"
