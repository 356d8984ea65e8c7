"""Tables, JSON, questions, and making text safe to print."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.stored.records import Role
from chatroom.ctl.output import confirm, moment, print_json, print_pairs, print_table, to_json
from chatroom.ctl.streams import plain
from chatroom.errors import Refused

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(st.text())
def test_what_is_printed_is_printable(text: str) -> None:
    """No text can move the cursor or end the line, and every character of it is printable."""
    shown = plain(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert text != shown or text.isprintable()


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are as wide as their widest cell, also for wide letters. Nothing is cut off."""
    long = "x" * 300
    print_table(("NAME", "TEXT"), [("日本", "wide"), ("al", long), ("", None)])
    assert capsys.readouterr().out.splitlines() == ["NAME  TEXT", "日本  wide", f"al    {long}", "-     -"]


def test_a_table_without_rows_is_its_headers(capsys: pytest.CaptureFixture[str]) -> None:
    """A table without rows has its headers."""
    print_table(("ID", "NAME"), [])
    assert capsys.readouterr().out == "ID  NAME\n"


def test_cells_are_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Times are in UTC, roles and booleans are words, and escape sequences are harmless."""
    print_pairs([("at", AT), ("role", Role.ADMIN), ("disabled", False), ("reason", "\x1b[31m\n"), ("never", None)])
    assert capsys.readouterr().out.splitlines() == [
        "at        2030-01-02 03:04:05Z",
        "role      admin",
        "disabled  no",
        "reason    \\x1b[31m\\n",
        "never     -",
    ]


def test_moments_are_told_in_utc() -> None:
    """A time in another zone is converted to UTC. None is a dash."""
    assert moment(AT.astimezone(timezone(timedelta(hours=5)))) == "2030-01-02 03:04:05Z"
    assert moment(None) == "-"


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Records, tuples, times, roles and paths become JSON values. Letters outside ASCII stay."""

    @dataclass
    class Record:
        role: Role
        at: datetime | None

    class Pair(NamedTuple):
        one: int
        two: tuple[str, ...]

    print_json([Record(Role.USER, AT), Pair(1, ("ä",)), {"path": Path("/x"), "none": Record(Role.ADMIN, None)}])
    out = capsys.readouterr().out
    assert "ä" in out
    assert json.loads(out) == [
        {"role": "user", "at": "2030-01-02T03:04:05Z"},
        {"one": 1, "two": ["ä"]},
        {"path": "/x", "none": {"role": "admin", "at": None}},
    ]


@given(st.text() | st.text(alphabet="\x7f\x9b\u202e\u2066\ufeff\U000e0001a"))
def test_json_has_no_character_that_steers_a_terminal(text: str) -> None:
    """C1 controls, DEL and bidirectional controls are escaped, and the data stays the same."""
    line = to_json({text: [text]})
    assert line.isprintable()
    assert json.loads(line) == {text: [text]}


def test_a_question_needs_somebody_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal a question is refused, unless --yes confirms it."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    confirm("Really?", yes=True)
    with pytest.raises(Refused, match=r"Really\? There is no terminal to ask at; use --yes"):
        confirm("Really?", yes=False)


@pytest.mark.parametrize("answer", [True, False])
def test_a_question_at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    """At a terminal the answer no ends the command."""

    def ask(question: str, *, abort: bool, err: bool) -> None:
        assert (question, abort, err) == ("Really \\x1b?", True, True)
        if not answer:
            raise click.Abort

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(click, "confirm", ask)
    if answer:
        confirm("Really \x1b?", yes=False)
    else:
        with pytest.raises(click.Abort):
            confirm("Really \x1b?", yes=False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)
def test_documents_are_indented_as_json_does_it(document: object) -> None:
    """An indented document is what ``json.dumps`` makes of it, but for characters that could control a terminal."""
    assert json.loads(to_json(document, indented=True)) == document
    ascii_only = to_json(document, indented=True, only_ascii=True)
    assert ascii_only.replace("\x7f", "\\u007f") == json.dumps(document, indent=2).replace("\x7f", "\\u007f")


def test_a_long_table_is_written_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of thousands of rows has each of them once, in their order."""
    print_table(("ID", "AT"), [(number, AT) for number in range(2500)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [f"{number:<4}  2030-01-02 03:04:05Z" for number in range(2500)]
