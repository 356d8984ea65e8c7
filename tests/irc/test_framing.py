"""Framing: the lines depend on the bytes and not on how they were cut, and memory is bounded."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.irc.framing import (
    CLIENT_TAGS_BYTES,
    LINE_BYTES,
    LineBuffer,
    Malformed,
    encode,
)

TAGGED_FULL = b"@" + b"t" * CLIENT_TAGS_BYTES + b" " + b"x" * LINE_BYTES

PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            b"\n",
            b"\r",
            b"\r\n",
            b"\0",
            b"@",
            b" ",
            "é€𝄞".encode(),
            b"\xff",
            b"PRIVMSG #a :hello\r\n",
            b"x" * (LINE_BYTES - 1),
            b"x" * LINE_BYTES,
            b"@" + b"t" * CLIENT_TAGS_BYTES + b" ",
            "ж".encode() * 255,
            b"\xe2\x80\xa8",
        ]
    ),
)


def by_definition(data: bytes) -> list[str | Malformed]:
    """The complete lines of ``data``, found byte by byte."""
    found: list[str | Malformed] = []
    line = b""
    for at in range(len(data)):
        char = data[at : at + 1]
        if char not in (b"\r", b"\n"):
            line += char
            continue
        tags, _, rest = line.partition(b" ") if line[:1] == b"@" else (b"@", b"", line)
        if line and (len(tags) > 4095 or len(rest) > 510):
            found.append(Malformed.TOO_LONG)
        elif b"\0" in line:
            found.append(Malformed.HAS_NUL)
        elif line:
            try:
                found.append(line.decode())
            except UnicodeDecodeError:
                found.append(Malformed.NOT_UTF8)
        line = b""
    return found


@given(st.lists(PIECES, max_size=30), st.lists(st.integers(0, 3000), max_size=12))
@example([b"x" * LINE_BYTES, b"x", b"\r\n", b"a\n"], [LINE_BYTES, LINE_BYTES + 1, LINE_BYTES + 2])
@example([TAGGED_FULL, b"\r\nb\r\n"], [4096, 4097, 4606, 4607])
def test_cuts_do_not_matter(pieces: list[bytes], cuts: list[int]) -> None:
    """Any bytes, cut anywhere, give the lines that are found byte by byte."""
    data = b"".join(pieces)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    buffer = LineBuffer()
    got: list[str | Malformed] = []
    for start, end in pairwise(bounds):
        got += buffer.feed(data[start:end])
    assert got == by_definition(data)


@given(st.lists(PIECES, max_size=12))
def test_byte_by_byte(pieces: list[bytes]) -> None:
    """Bytes that come one at a time give the same lines as all at once."""
    data = b"".join(pieces)[:1500]
    buffer = LineBuffer()
    got = [line for at in range(len(data)) for line in buffer.feed(data[at : at + 1])]
    assert got == LineBuffer().feed(data)


def test_three_line_ends() -> None:
    """LF, CR LF and CR end a line. Other line breaks of Unicode do not."""
    text = "a\nb\r\nc\rd\u2028\x0b\x85\n\n\r\r\n"
    assert LineBuffer().feed(text.encode()) == ["a", "b", "c", "d\u2028\x0b\x85"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_limits(end: bytes) -> None:
    """A line may have 510 bytes after 4,094 of tags, with any line end, and not one more of either."""
    for full in (b"x" * LINE_BYTES, TAGGED_FULL, "ж".encode() * 255):
        assert LineBuffer().feed(full + end) == [full.decode()]
        assert LineBuffer().feed(full + b"x" + end + b"next" + end) == [Malformed.TOO_LONG, "next"]
    assert LineBuffer().feed("𝄞".encode() * 128 + end) == [Malformed.TOO_LONG]
    more_tags = TAGGED_FULL.replace(b"t ", b"tt ")
    assert LineBuffer().feed(more_tags + end) == [Malformed.TOO_LONG]


def test_malformed_lines_leave_their_neighbours_alone() -> None:
    """A malformed line does not affect the lines around it."""
    assert LineBuffer().feed(b"a\r\nb\xff\r\nc\0\r\nd\r\n") == ["a", Malformed.NOT_UTF8, Malformed.HAS_NUL, "d"]


def held_bytes(buffer: LineBuffer) -> int:
    """The bytes of memory that a buffer's attributes take."""
    return sum(sys.getsizeof(getattr(buffer, name)) for name in LineBuffer.__slots__)


@pytest.mark.interpreted("a compiled class does not list its attributes")
def test_endless_line_is_not_kept() -> None:
    """A line without an end takes no memory, and is reported once, when it ends."""
    for start in (b"", b"@"):
        buffer = LineBuffer()
        assert buffer.feed(start) == []
        for _ in range(2000):
            assert buffer.feed(b"x" * 1000) == []
            assert held_bytes(buffer) < 6000
        assert buffer.feed(b"\r\nPING a\r\n") == [Malformed.TOO_LONG, "PING a"]


def test_idle_buffer_holds_nothing() -> None:
    """After whole lines a buffer keeps no bytes and has no dict."""
    buffer = LineBuffer()
    buffer.feed(b"NICK a\r\nUSER a 0 * :a\r\n")
    buffer.feed(b"half")
    buffer.feed(b" line\r\n")
    assert buffer._tail == b""
    assert not hasattr(buffer, "__dict__")


@given(st.text(), st.integers(0, 40))
def test_encode_cuts_between_characters(text: str, limit: int) -> None:
    """An encoded line is at most as long as the limit, begins as the text does, and is one line."""
    text = text.lstrip("@")
    out = encode(text, limit)
    assert out.endswith(b"\r\n")
    assert len(out) <= limit + 2
    clean = text.translate(str.maketrans("\r\n\0", "   "))
    assert clean.startswith(out[:-2].decode())
    if len(clean.encode()) <= limit:
        assert out[:-2].decode() == clean
    else:
        assert len(out) > limit - 2, "cut further than a character needs"


def test_encode_does_not_count_tags() -> None:
    """Tags do not count for the limit."""
    assert encode("@time=now;a=b :x PRIVMSG y :hello", 8) == b"@time=now;a=b :x PRIVM\r\n"


def test_encode_lets_no_line_be_forged() -> None:
    """A text with line ends, NULs or half surrogate pairs becomes one line of valid UTF-8."""
    assert encode("a\r\nQUIT\0\udc80") == b"a  QUIT ?\r\n"
