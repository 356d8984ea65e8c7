from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chatroom.chat.log_line import Level
from chatroom.errors import ServeError
from chatroom.server import log_output
from chatroom.server.log_event import LogEvent
from chatroom.server.log_output import LogOutput


def test_a_new_file_is_private_and_an_old_one_goes_on(tmp_path: Path) -> None:
    """The file is made with mode 0600, and a second run appends to it."""
    path = tmp_path / "chat.log"
    for word in (b"one\n", b"two\n"):
        output = LogOutput(path)
        output.open()
        assert output.write(word)
        output.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    """logrotate needs no more than that. Nothing is lost and nothing written twice."""
    path, old = tmp_path / "chat.log", tmp_path / "chat.log.1"
    output = LogOutput(path)
    output.open()
    output.write(b"one\n")
    path.rename(old)
    output.write(b"two\n")
    output.write(b"three\n")
    output.close()
    assert (old.read_bytes(), path.read_bytes()) == (b"one\n", b"two\nthree\n")


def test_if_no_new_file_can_be_made_the_old_one_goes_on(tmp_path: Path) -> None:
    """A directory in its place does not lose the log."""
    path, old = tmp_path / "chat.log", tmp_path / "chat.log.1"
    output = LogOutput(path)
    output.open()
    path.rename(old)
    path.mkdir()
    assert output.write(b"two\n")
    output.close()
    assert old.read_bytes() == b"two\n"


@pytest.mark.parametrize("name", ["missing/chat.log", "pipe"])
def test_a_file_that_cannot_be_opened_stops_the_start(tmp_path: Path, name: str) -> None:
    """The error names the setting and the file. A pipe without a reader does not hold up the start."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ServeError, match=rf"log\.file .*{name}: cannot be opened"):
        LogOutput(tmp_path / name).open()


def test_half_a_line_is_ended_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was full within a line does not join it with a later one."""
    path = tmp_path / "chat.log"
    output = LogOutput(path)
    output.open()

    def write_half(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(log_output, "_write", write_half)
        assert not output.write(b"first\n")
    assert output.write(b"second\n")
    output.close()
    assert path.read_bytes() == b"fir\nsecond\n"


def test_the_journal_is_known_by_its_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """JOURNAL_STREAM names stderr's device and inode; a variable inherited from another service does not count."""
    found = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
    assert LogOutput().is_journal
    assert not LogOutput(tmp_path / "log").is_journal
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + 1}")
    assert not LogOutput().is_journal


def test_the_journal_gets_levels_and_no_times() -> None:
    """Each line of a traceback has the level; the journal takes it away. JSON has it too."""
    event = LogEvent(0.0, Level.ERROR, "chat", ["a line failed", "ValueError"])
    assert event.to_text(None, is_journal=True) == "<3>a line failed\n<3>ValueError\n"
    assert event.to_json(is_journal=True).startswith('<3>{"time": "1970-01-01T00:00:00.000Z", "level": "error"')
    assert event.to_json(is_journal=False).endswith('"message": "a line failed\\nValueError"}\n')
