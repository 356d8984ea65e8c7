"""Tokens: random, known again by their hash, and found by their id."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.tokens import hash_secret, is_secret, make_secret, make_token, split_token


def test_a_secret_is_random_and_long() -> None:
    """It has 192 bits, and no two are the same."""
    made = {make_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(base64.urlsafe_b64decode(secret)) for secret in made} == {24}


@given(st.integers(1, 2**59))
def test_a_token_is_taken_apart_again(row_id: int) -> None:
    """Its secret may have the character that stands behind the id."""
    for secret in (make_secret(), "a-b_c"):
        assert split_token(make_token(row_id, secret)) == (row_id, secret)


@pytest.mark.parametrize("word", ["", "5", "5-", "-abc", "x-abc", "\u0665-abc", f"{'9' * 19}-abc", "+5-abc"])
def test_what_is_no_token_has_the_id_of_no_row(word: str) -> None:
    """Also digits of other scripts, and more than fit into a number of the database."""
    assert split_token(word) == (0, "")


@given(st.text())
def test_any_text_can_be_tried(text: str) -> None:
    """It opens nothing, and nothing fails."""
    assert not is_secret(text, hash_secret(make_secret()))
    assert is_secret(text, hash_secret(text))
