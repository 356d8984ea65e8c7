"""Streams that are closed, full, broken, or unable to encode a character."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from chatroom.client import std_streams


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """The reading end of a pipe, and a text stream on the other end."""
    reading, writing = os.pipe()
    stream = open(writing, "w", closefd=False, encoding="ascii")  # noqa: SIM115
    yield reading, stream
    std_streams.divert(stream)
    stream.close()
    os.close(writing)


class Full(io.StringIO):
    """A stream whose disk is full; it writes to a file of its own from the moment that it is diverted."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.is_full = True

    def flush(self) -> None:
        """Fail as a full disk does."""
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def fileno(self) -> int:
        """The number that is diverted."""
        self.is_full = False
        return self._descriptor


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Full]:
    """A stream that is full."""
    descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    yield Full(descriptor)
    os.close(descriptor)


@pytest.fixture(autouse=True)
def freed_descriptors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a diversion leaves open until the end of the program."""
    opened: list[int] = []
    real = os.open

    def note(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = real(path, flags, mode, dir_fd=dir_fd)
        if path == os.devnull:
            opened.append(descriptor)
        return descriptor

    monkeypatch.setattr(os, "open", note)
    yield
    for descriptor in opened:
        os.close(descriptor)


def test_a_character_that_the_terminal_cannot_show_is_replaced(pipe: tuple[int, TextIO]) -> None:
    """A message with an accent is printed on an ASCII terminal, with a question mark."""
    reading, stream = pipe
    std_streams.tell(std_streams.tolerant(stream), "café\n")
    assert os.read(reading, 100) == b"caf?\n"
    os.close(reading)


def test_streams_that_are_missing_are_given_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that was started without stdin and stderr has all three, on their own descriptors."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", None)
    std_streams.prepare()
    assert (sys.stdin.fileno(), sys.stderr.fileno()) == (0, 2)
    assert (out.errors, sys.stderr.errors) == ("replace", "replace")
    sys.stdin.close()
    sys.stderr.close()
    assert all(os.fstat(descriptor) for descriptor in range(3))


def test_a_full_stdout_is_told_and_changes_the_exit_code(full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user reads why, and a script sees a failure; a code that says one already stays."""
    told = io.StringIO()
    monkeypatch.setattr(sys, "stdout", full)
    monkeypatch.setattr(sys, "stderr", told)
    assert std_streams.finish(0) == 1
    assert told.getvalue() == "chatroom: cannot write to stdout: No space left on device\n"
    assert std_streams.finish(0) == 0  # what fails is told once
    full.is_full = True
    assert std_streams.finish(3) == 3


def test_a_reader_that_has_gone_is_told_nothing(pipe: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ``| head``: the exit code is 1, and stderr stays empty."""
    reading, stream = pipe
    told = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", told)
    os.close(reading)
    stream.write("hello\n")
    assert std_streams.finish(0) == 1
    assert told.getvalue() == ""


def test_a_full_stderr_keeps_the_exit_code(full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be told any more, the program ends as it would have."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", full)
    assert std_streams.finish(0) == 0
    assert not full.is_full
