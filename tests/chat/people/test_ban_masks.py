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
def test_a_mask_is_stored_in_its_full_form(given_mask: str, kept: str | None) -> None:
    """Mutes too. An unknown extended mask is refused. A mask that begins with a tilde otherwise is a username's."""
    assert normalise_ban(given_mask) == kept


@given(st.text() | st.text("~am:*!@.x", max_size=12))
def test_a_full_mask_stays_as_it_is(text: str) -> None:
    """To complete it again changes nothing."""
    kept = normalise_ban(text)
    assert kept is None or normalise_ban(kept) == kept
