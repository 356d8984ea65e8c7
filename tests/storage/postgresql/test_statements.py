from __future__ import annotations

import pytest

from chatroom.storage.postgresql.statements import translate


@pytest.mark.parametrize(
    "sql, text",
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT ? WHERE a = ? AND b IN (?, ?)", "SELECT $1 WHERE a = $2 AND b IN ($3, $4)"),
        ("SELECT ?2 WHERE a = ?1 OR b = ?1", "SELECT $2 WHERE a = $1 OR b = $1"),
        ("SELECT :low, :high WHERE a > :low", "SELECT $1, $2 WHERE a > $1"),
        ("SELECT '?', 'it''s :no', \"what?\" WHERE a = ?", "SELECT '?', 'it''s :no', \"what?\" WHERE a = $1"),
        ("SELECT CAST(? AS TEXT), ?::text, a::bigint", "SELECT CAST($1 AS TEXT), $2::text, a::bigint"),
        ("SELECT a FROM b WHERE c = 'x%' AND d = ?", "SELECT a FROM b WHERE c = 'x%' AND d = $1"),
    ],
)
def test_parameters_are_numbered(sql: str, text: str) -> None:
    """Those in texts and names are none."""
    assert translate(sql).text == text.encode()


def test_named_parameters_are_put_in_order() -> None:
    """Each once, in the order of their first places; those that the statement does not name are left out."""
    statement = translate("SELECT :b, :a, :b")
    assert statement.arrange({"a": 1, "b": 2, "c": 3}) == [2, 1]
    assert translate("SELECT ?").arrange((5,)) == (5,)
