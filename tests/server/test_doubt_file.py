"""What a daemon has refused without knowing if it is stored outlasts the daemon."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from harness.journal import FakeJournal
from harness.written_history import said

from chatroom.paths import kept_directory
from chatroom.server.doubt_file import DoubtFile, KeptDoubt
from chatroom.server.doubts import Doubt, Doubts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a directory that is not there yet."""
    return tmp_path / "state" / "doubts.json"


def test_the_next_run_takes_back_what_was_refused(path: Path) -> None:
    """When the connection of the run before is ended, which may still have the commit under way."""
    Doubts(FakeJournal(), DoubtFile(path)).add(Doubt([5, 6], [5], {1}, 0))
    journal = FakeJournal()
    doubts = Doubts(journal, DoubtFile(path))
    assert doubts and path.stat().st_mode & 0o777 == 0o600
    journal.begin()
    journal.write([said(number) for number in (5, 6, 7)])
    journal.commit()
    assert doubts.settle([]) == []
    assert [entry.message_id for entry in journal.kept] == [6, 7]
    assert "end 7" in journal.calls
    doubts.clear()
    assert not doubts and not path.exists()


def test_a_run_that_ends_too_leaves_both_doubts(path: Path) -> None:
    """Each with the connections of its own run."""
    doubts = Doubts(FakeJournal(), DoubtFile(path))
    doubts.add(Doubt([5], [5], {1}, 0))
    DoubtFile(path).write([KeptDoubt([5], [5], 0, 3)])
    doubts = Doubts(FakeJournal(), DoubtFile(path))
    doubts.add(Doubt([], [], {1}, 9))
    assert DoubtFile(path).read() == [KeptDoubt([5], [5], 0, 3), KeptDoubt([], [], 9, 7)]


@pytest.mark.parametrize("text", ["", "[{}]", '[{"entries": 5}]', "7"])
def test_a_file_that_is_no_file_of_doubts(path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """The start goes on without it, and says so."""
    path.parent.mkdir()
    path.write_text(text)
    assert DoubtFile(path).read() == []
    assert "cannot be read" in caplog.text


def test_a_directory_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The doubt is kept in memory all the same."""
    (tmp_path / "state").write_text("a file")
    doubts = Doubts(FakeJournal(), DoubtFile(tmp_path / "state" / "doubts.json"))
    with caplog.at_level(logging.ERROR):
        doubts.add(Doubt([5], [5], {1}, 0))
    assert doubts and "cannot be written" in caplog.text


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the directory of the service, or the user's for data."""
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}:/elsewhere")
    assert kept_directory() == tmp_path
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert kept_directory() == tmp_path / ".local/share/chatroom"
