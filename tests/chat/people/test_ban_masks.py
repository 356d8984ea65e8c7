from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.people.ban_masks import normalise_ban


@pytest.mark.parametrize(
    "given_mask, kept",
    [
        ("bob", "bob!*@*"),
        ("~bob@host", "*!~bob@host"),
        ("~bob", "*!~bob@*"),
        ("~a:Bob", "~a:Bob"),
        ("~a:***", "~a:*"),
        ("~m:bob", "~m:bob!*@*"),
        ("~m:*!*@host", "~m:*!*@host"),
        ("~m:~a:bob", "~m:~a:bob"),
        ("~m:~user@host", "~m:*!~user@host"),
        ("~a:", None),
        ("~m:", None),
        ("~m:~m:x", None),
        ("~m:~x:y", None),
        ("~q:bob!*@*", None),
    ],
)
def test_masks_are_kept_in_full(given_mask: str, kept: str | None) -> None:
    """The masks within mutes are completed; kinds that do not exist are refused; a tilde alone is a user name's."""
    assert normalise_ban(given_mask) == kept


@given(st.text() | st.text("~am:*!@.x", max_size=12))
def test_what_is_kept_is_kept_as_it_is(text: str) -> None:
    """Completing a mask twice changes nothing more."""
    kept = normalise_ban(text)
    assert kept is None or normalise_ban(kept) == kept
