"""Logs on disk."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import Event, History, Info, Joined, Left, Said
from chatroom.client.disk_log import DiskLog, file_name

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of the logs, which does not exist yet."""
    return tmp_path / "logs"


def make_log(directory: Path | None) -> DiskLog:
    """Return the log of a server, at noon."""
    return DiskLog("home", str.lower, lambda: NOON, lambda: directory)


def take(log: DiskLog, *events: Event) -> str:
    """Let events be written. Returns what went wrong."""
    for event in events:
        log.note(event)
    return log.write()


def texts(path: Path) -> list[str]:
    """Return the lines of a log without their times."""
    return [line.partition(" ")[2] for line in path.read_text().splitlines()]


def test_each_place_has_a_file(directory: Path) -> None:
    """A line has its time with milliseconds and zone; names in other letters are the same place."""
    log = make_log(directory)
    at = NOON - timedelta(milliseconds=5)
    assert take(log, Said("#Tea", "alice", "one\ntwo", at=at), Said("bob", "me", "waves", "action", mine=True)) == ""
    assert take(log, Said("#tea", "bob", "hi"), Info("no place")) == ""
    tea = directory / "home" / "#tea.log"
    assert texts(tea) == ["<alice> one", "<alice> two", "<bob> hi"]
    assert datetime.fromisoformat(tea.read_text().partition(" ")[0]) == at
    assert texts(directory / "home" / "bob.log") == ["* me waves"]


def test_a_quit_is_in_every_channel_of_the_user(directory: Path) -> None:
    """An event of several channels is logged in each of them."""
    take(make_log(directory), Left("eve", ("#a", "#b"), "bye"), Joined("eve", "#a"))
    assert texts(directory / "home" / "#a.log") == ["eve left (bye)", "eve joined"]
    assert texts(directory / "home" / "#b.log") == ["eve left (bye)"]


def test_nobody_else_can_read_them(directory: Path) -> None:
    """Directories have mode 0700, files 0600."""
    before = os.umask(0)
    try:
        take(make_log(directory), Said("#tea", "bob", "hi"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((directory / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "home" / "#tea.log").stat().st_mode) == 0o600


def test_what_is_replayed_is_logged_once(directory: Path) -> None:
    """The next chat logs of the replay what was said after its last line, and skips lines that somebody edited."""
    old, new = NOON - timedelta(minutes=2), NOON - timedelta(minutes=1)
    take(make_log(directory), Said("#tea", "bob", "old", at=old))
    path = directory / "home" / "#tea.log"
    with path.open("a") as file:
        file.write("my own note\n2030-01-01T11:59:59 without a zone\n")
    take(
        make_log(directory),
        Joined("me", "#tea", mine=True, at=NOON),
        Said("#tea", "bob", "old", at=old, missed=True),
        Said("#tea", "bob", "new", at=new, missed=True),
    )
    assert texts(path)[-2:] == ["You joined #tea", "<bob> new"]
    assert sum("old" in line for line in texts(path)) == 1


def test_what_comes_again_after_a_lost_connection_is_logged_once(directory: Path) -> None:
    """A page of what was missed has messages of this chat, too; the order in the file is that of their coming."""
    log = make_log(directory)
    one, two, three = (
        Said("#tea", "bob", text, at=NOON + timedelta(seconds=number), id=text)
        for number, text in enumerate(["one", "two", "three"])
    )
    take(log, one, three)
    take(log, History("#tea", (one, two, three), news=True))
    path = directory / "home" / "#tea.log"
    assert texts(path) == ["<bob> one", "<bob> three", "<bob> two"]
    take(make_log(directory), History("#tea", (one, two, three)))
    assert len(texts(path)) == 3


def test_pages_that_the_user_reads_back_are_not_logged(directory: Path) -> None:
    """A log does not go back in time because its reader does; the page of a place that opens is logged."""
    at = NOON - timedelta(days=1)
    log = make_log(directory)
    take(log, History("#tea", (Said("#tea", "bob", "latest", at=at, id="2"),)))
    take(log, History("#tea", (Said("#tea", "bob", "older", at=at - timedelta(days=1), id="1"),), before="2"))
    assert texts(directory / "home" / "#tea.log") == ["<bob> latest"]


def test_without_a_directory_nothing_is_written(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is empty by default."""
    directory.mkdir()
    monkeypatch.chdir(directory)
    assert take(make_log(None), Said("#tea", "bob", "hi")) == ""
    assert os.listdir(directory) == []


def test_an_error_is_told_once(directory: Path) -> None:
    """A directory that is a file costs the log, not the chat; another directory begins anew."""
    directory.write_text("")
    now: list[Path | None] = [directory]
    log = DiskLog("home", str.lower, lambda: NOON, lambda: now[0])
    said = Said("#tea", "bob", "hi")
    assert take(log, said) == f"Nothing is logged any more: {directory / 'home'}: Not a directory."
    assert take(log, said) == ""
    now[0] = directory.parent / "other"
    assert take(log, said) == ""
    assert texts(directory.parent / "other" / "home" / "#tea.log") == ["<bob> hi"]
    now[0] = directory
    assert "Not a directory" in take(log, said)


@pytest.mark.parametrize(
    "name, expected",
    [("#tea", "#tea"), ("../../etc", "%2E.%2F..%2Fetc"), ("a/b", "a%2Fb"), ("ü", "ü"), ("a\x1b", "a%1B")],
)
def test_a_name_stays_in_its_directory(name: str, expected: str) -> None:
    """What could lead elsewhere, or steer a terminal, is written with percent signs."""
    assert file_name(name) == expected


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(NAMES, NAMES)
def test_every_name_has_a_file_of_its_own(one: str, other: str) -> None:
    """Two names never share a file, and each is a valid name of a file that is not hidden."""
    for name in (file_name(one), file_name(other)):
        assert "/" not in name and "\0" not in name and not name.startswith(".")
        assert len(f"{name}.log".encode()) <= 255
    assert (file_name(one) == file_name(other)) is (one == other)


def test_a_long_name_is_cut() -> None:
    """Names that differ only at their ends have different files."""
    assert file_name("ä" * 300) != file_name("ä" * 299)
    assert len(file_name("ä" * 300).encode()) <= 200
