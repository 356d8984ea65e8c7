"""Masks: the public vectors, the full form, and matching compared with a plain definition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from parser_tests import data as vectors

from chatroom.irc.masks import compile_mask, has_wildcards, matches_mask, normalise_mask


@pytest.mark.parametrize("case", vectors.mask_match["tests"], ids=lambda case: case["mask"])
def test_mask_vectors(case: dict[str, Any]) -> None:
    """Each public vector matches what it should and nothing it should not."""
    fits = compile_mask(case["mask"])
    assert all(fits(text) for text in case["matches"])
    assert not any(fits(text) for text in case["fails"])


@pytest.mark.parametrize(
    "mask, full",
    [
        ("nick", "nick!*@*"),
        ("nick*", "nick*!*@*"),
        ("nick!user", "nick!user@*"),
        ("nick!", "nick!*@*"),
        ("user@host", "*!user@host"),
        ("@host", "*!*@host"),
        ("nick!@host", "nick!*@host"),
        ("nick!user@host", "nick!user@host"),
        ("nick@host!", "nick@host!*@*"),
        ("192.0.2.*", "*!*@192.0.2.*"),
        ("2001:db8::*", "*!*@2001:db8::*"),
        ("user/alice", "*!*@user/alice"),
        ("*", "*!*@*"),
        ("", "*!*@*"),
        ("***!**@***", "*!*@*"),
        ("a**b", "a*b!*@*"),
        ("~a:alice", "~a:alice"),
        ("~m:bad**!*@*", "~m:bad*!*@*"),
    ],
)
def test_full_form(mask: str, full: str) -> None:
    """Missing parts become asterisks. The full form of a full form is itself."""
    assert normalise_mask(mask) == full
    assert normalise_mask(full) == full


def matches_by_definition(mask: str, text: str) -> bool:
    """True if the text matches, found by trying every split."""
    if not mask:
        return not text
    if mask[0] == "*":
        return any(matches_by_definition(mask[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and mask[0] in ("?", text[0]) and matches_by_definition(mask[1:], text[1:])


@given(st.text("ab*?.\n", max_size=8), st.text("ab.\n", max_size=10))
@example("a*ab*b", "aababb")
@example("*ab*ab", "abab")
@example("?*?", "a")
def test_against_the_definition(mask: str, text: str) -> None:
    """Masks match exactly what trying every split would match."""
    expected = matches_by_definition(mask, text)
    assert matches_mask(mask, text) is expected
    assert compile_mask(mask)(text) is expected


def test_letters_fold_as_in_names() -> None:
    """A to Z match in either case, other letters only themselves. Brackets are no wildcards."""
    assert matches_mask("Mallory!*@*.Example.ORG", "mALLORY!x@a.example.org")
    assert matches_mask("[x]*", "[X]y")
    assert not matches_mask("[x]", "{x}")
    assert not matches_mask("É*", "é")


@pytest.mark.parametrize("mask", ["*a" * 200 + "b", "*?a" * 100 + "*b", "*" * 400 + "b", "*aaaa?" * 60 + "b"])
def test_no_mask_is_slow(mask: str) -> None:
    """Masks made to be slow are quick. Otherwise this test would exceed its time limit."""
    assert not matches_mask(mask, "a" * 5000)
    assert not compile_mask(mask)("a" * 5000)


def test_masks_that_are_asked_once_are_not_kept() -> None:
    """Ever new masks in questions neither fill the memory nor push out the compiled masks of bans."""
    kept = compile_mask.cache_info().currsize
    assert not any(matches_mask(f"*{number}?*", "nick") for number in range(100))
    assert compile_mask.cache_info().currsize == kept


def test_wildcards() -> None:
    """A mask has wildcards if it has an asterisk or a question mark."""
    assert [has_wildcards(mask) for mask in ("a*", "a?", "a", "")] == [True, True, False, False]
