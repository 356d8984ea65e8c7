from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.plain import LineSource


def read_all(data: bytes) -> list[str]:
    """The lines that a pipe with these bytes holds."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    source = LineSource(reading)
    lines = []
    while (line := source.read_line()) is not None:
        lines.append(line)
    assert source.read_line() is None
    os.close(reading)
    return lines


@pytest.mark.parametrize(
    "data, lines",
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\r\n\ntwo", ["one", "", "two"]),
        (b"caf\xe9\n", ["caf\ufffd"]),
    ],
)
def test_lines_of_a_pipe(data: bytes, lines: list[str]) -> None:
    """Every line once, also a last one without its end, whatever its bytes."""
    assert read_all(data) == lines


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=20))
def test_nothing_is_lost(lines: list[str]) -> None:
    """What is written in lines is read in the same lines."""
    assert read_all("".join(f"{line}\n" for line in lines).encode()) == lines
