from __future__ import annotations

import os
import queue
import threading

import pytest
from harness.scripted_server import CAP_S
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.stdin_lines import READ_AHEAD, LineSource, StdinThread, Typed


def read_all(data: bytes) -> list[str]:
    """The lines read from a pipe with these bytes."""
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
        (b"\xef\xbb\xbfone\n\xef\xbb\xbftwo", ["one", "\ufefftwo"]),
    ],
)
def test_lines_of_a_pipe(data: bytes, lines: list[str]) -> None:
    """Each line is read once, a last one without line end too, whatever its bytes."""
    assert read_all(data) == lines


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=20))
def test_nothing_is_lost(lines: list[str]) -> None:
    """The lines that are read are the lines that were written."""
    assert read_all("".join(f"{line}\n" for line in ["", *lines]).encode()) == ["", *lines]


def test_a_byte_order_mark_in_pieces() -> None:
    """The mark is dropped even if each of its bytes comes alone."""
    reading, writing = os.pipe()
    source = LineSource(reading)
    thread = threading.Thread(target=lambda: [os.write(writing, bytes([byte])) for byte in b"\xef\xbb\xbfone\n"])
    thread.start()
    assert source.read_line() == "one"
    thread.join()
    os.close(writing)
    os.close(reading)


def test_a_descriptor_that_does_not_block() -> None:
    """A line that comes later is waited for, even if reading would not wait."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    thread = threading.Thread(target=lambda: os.write(writing, b"one\n"))
    source = LineSource(reading)
    thread.start()
    assert source.read_line() == "one"
    thread.join()
    os.close(writing)
    os.close(reading)


def test_a_descriptor_that_cannot_be_read() -> None:
    """The thread says why there are no more lines."""
    posted: queue.Queue[Typed] = queue.Queue()
    descriptor = os.open(os.devnull, os.O_WRONLY)
    StdinThread(LineSource(descriptor), posted.put).start()
    assert posted.get(timeout=CAP_S) == Typed(None, "Bad file descriptor")
    os.close(descriptor)


def test_the_thread_reads_no_further_than_it_may() -> None:
    """The thread stops after READ_AHEAD lines, and goes on when one of them has been used."""
    reading, writing = os.pipe()
    os.write(writing, b"line\n" * (READ_AHEAD + 1))
    os.close(writing)
    posted: queue.Queue[Typed] = queue.Queue()
    thread = StdinThread(LineSource(reading), posted.put)
    thread.start()
    thread.start()
    for _ in range(READ_AHEAD):
        assert posted.get(timeout=CAP_S) == Typed("line")
    assert posted.empty()
    thread.release()
    assert [posted.get(timeout=CAP_S), posted.get(timeout=CAP_S)] == [Typed("line"), Typed(None)]
    os.close(reading)
