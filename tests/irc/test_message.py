"""Messages: the public vectors, special cases, and that a formatted message parses to the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parser_tests import data as vectors

from chatroom.irc.message import Message, escape, format_message, parse, unescape


@pytest.mark.parametrize("case", vectors.msg_split["tests"], ids=lambda case: case["input"])
def test_split_vectors(case: dict[str, Any]) -> None:
    """Each public vector splits into its atoms."""
    atoms = case["atoms"]
    expected = Message(atoms["verb"].upper(), atoms.get("params", []), atoms.get("source"), atoms.get("tags"))
    assert parse(case["input"]) == expected


@pytest.mark.parametrize("case", vectors.msg_join["tests"], ids=lambda case: case["desc"])
def test_join_vectors(case: dict[str, Any]) -> None:
    """The atoms of each public vector join into one of its lines."""
    atoms = case["atoms"]
    message = Message(atoms["verb"], atoms.get("params", []), atoms.get("source"), atoms.get("tags"))
    assert format_message(message) in case["matches"]


@pytest.mark.parametrize(
    "line, message",
    [
        ("", Message("", [])),
        ("   ", Message("", [])),
        (":source", Message("", [], "source")),
        ("@a=b", Message("", [], None, {"a": "b"})),
        ("@ PING", Message("PING", [])),
        ("@a=b  :s   ping   x   :y  z ", Message("PING", ["x", "y  z "], "s", {"a": "b"})),
        ("  ping x", Message("PING", ["x"])),
        ("ping  \tx  y", Message("PING", ["\tx", "y"])),
        ("ping x:y :z", Message("PING", ["x:y", "z"])),
        ("ping :", Message("PING", [""])),
        ("ping a\u2003b", Message("PING", ["a\u2003b"])),
    ],
)
def test_particular_lines(line: str, message: Message) -> None:
    """Lines without a verb, runs of spaces, and blanks that are not spaces."""
    assert parse(line) == message


def test_nick_of_a_message() -> None:
    """The nick is the first part of the source."""
    assert parse(":alice!a@host PING").nick == "alice"
    assert parse(":irc.example.org PING").nick == "irc.example.org"
    assert parse("PING").nick == ""


def test_equality_is_by_parts() -> None:
    """Messages that differ in any part are not equal. No tags and empty tags are equal."""
    message = Message("PING", ["x"], "s", {"a": "b"})
    assert message == Message("PING", ["x"], "s", {"a": "b"})
    assert Message("PING", [], None, {}) == Message("PING", [], None, None)
    others = [Message("PONG", ["x"], "s", {"a": "b"}), Message("PING", [], "s", {"a": "b"}), Message("PING", ["x"]), 1]
    assert all(message != other for other in others)


WIRE = st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])
MIDDLE = st.text(st.characters(exclude_characters="\r\n\0 ", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text[0] != ":"
)
SOURCES = st.text(st.characters(exclude_characters="\r\n\0 ", exclude_categories=["Cs"]), min_size=1)
KEYS = st.from_regex(r"\+?([a-z.]+/)?[A-Za-z0-9-]+", fullmatch=True)
MESSAGES = st.builds(
    lambda verb, middle, last, source, tags: Message(verb, middle + last, source, tags),
    st.from_regex(r"[A-Z]+|[0-9]{3}", fullmatch=True),
    st.lists(MIDDLE, max_size=5),
    st.lists(st.text(WIRE), max_size=1),
    st.none() | SOURCES,
    st.none() | st.dictionaries(KEYS, st.text(), max_size=4),
)


@given(MESSAGES)
def test_what_is_written_reads_back(message: Message) -> None:
    """parse(format(m)) == m for every message that can be written."""
    assert parse(format_message(message)) == message


@given(st.text(WIRE))
def test_any_line_parses(line: str) -> None:
    """Every line parses, and no parameter but the last is empty or holds a space."""
    message = parse(line)
    assert all(param and " " not in param for param in [message.verb or "-", *message.params[:-1]])


@given(st.text())
def test_tag_values_survive(value: str) -> None:
    """Any text as a tag value comes back, and is escaped to characters that a tag may have."""
    escaped = escape(value)
    assert unescape(escaped) == value
    assert not set(escaped) & set("; \r\n")
