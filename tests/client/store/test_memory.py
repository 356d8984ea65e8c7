"""The client's memory on a real SQLite file."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatroom.client.place_owner import PlaceOwner
from chatroom.client.store.memory import Memory, default_path
from chatroom.client.store.memory_file import VERSION

HOME, WORK = PlaceOwner("home", "alice"), PlaceOwner("work", "alice")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
VERSION_1 = """
CREATE TABLE places (
    id INTEGER PRIMARY KEY, server TEXT NOT NULL, folded TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (server, folded)
) STRICT;
CREATE TABLE fronts (server TEXT PRIMARY KEY, folded TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE read_marks (
    server TEXT NOT NULL, folded TEXT NOT NULL, read_ms INTEGER NOT NULL, PRIMARY KEY (server, folded)
) STRICT, WITHOUT ROWID;
CREATE TABLE typed_lines (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL) STRICT;
PRAGMA application_id = 1667788133;
PRAGMA user_version = 1;
INSERT INTO places VALUES (1, 'home', '#tea', '#Tea'), (2, 'home', 'bob', 'bob'), (3, 'work', '#cats', '#cats');
INSERT INTO fronts VALUES ('home', 'bob');
INSERT INTO read_marks VALUES ('home', '#tea', 1893499200123);
INSERT INTO typed_lines (text) VALUES ('hello');
"""
"""A file of version 1, which did not note whose the places are."""
WRITER = """
import sys
from pathlib import Path
from chatroom.client.store.memory import Memory
memory = Memory(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    memory.add_typed(f"{sys.argv[2]} {number}")
    print(number, memory.take_trouble(), flush=True)
"""
"""Writes lines from another process: PATH WORD COUNT."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the file, in a directory that does not exist yet."""
    return tmp_path / "state" / "client.db"


def test_places_are_kept_in_the_order_of_their_opening(path: Path) -> None:
    """Places and the one in front are those of their server; a place opened again keeps its row."""
    memory = Memory(path)
    memory.add_place(HOME, "#tea", "#tea")
    memory.add_place(HOME, "bob", "bob")
    memory.add_place(WORK, "#tea", "#tea")
    memory.add_place(HOME, "#tea", "#Tea")
    memory.set_front(HOME, "bob")
    memory.set_front(HOME, "#tea")
    memory.discard_place(WORK, "#tea")
    memory.discard_place(WORK, "#never")
    memory.close()
    later = Memory(path)
    assert list(later.list_places(HOME).items()) == [("#tea", "#Tea"), ("bob", "bob")]
    assert later.list_places(WORK) == {}
    assert later.find_front(HOME) == "#tea"
    assert later.find_front(WORK) is None
    assert later.take_trouble() == ""
    later.close()


def test_two_users_of_a_server_have_places_of_their_own(path: Path) -> None:
    """Places, the one in front, and what was read are those of the user."""
    memory = Memory(path)
    bob = PlaceOwner("home", "bob")
    memory.add_place(HOME, "#tea", "#tea")
    memory.set_front(HOME, "#tea")
    memory.set_read_marks(HOME, {"#tea": NOON})
    memory.add_place(bob, "#tea", "#Tea")
    memory.discard_place(HOME, "#tea")
    assert (memory.list_places(bob), memory.find_front(bob), memory.find_read_mark(bob, "#tea")) == (
        {"#tea": "#Tea"},
        None,
        None,
    )
    memory.close()


def test_a_file_of_version_1_is_of_whoever_comes_first(path: Path) -> None:
    """The first user on a server gets what it has, once; another one begins anew; typed lines stay."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.close()
    bob = PlaceOwner("home", "bob")
    for _ in range(2):
        memory = Memory(path)
        for owner in (HOME, bob):
            memory.adopt(owner)
        assert list(memory.list_places(HOME).items()) == [("#tea", "#Tea"), ("bob", "bob")]
        assert memory.find_front(HOME) == "bob"
        assert memory.find_read_mark(HOME, "#tea") == NOON + timedelta(milliseconds=123)
        assert memory.list_places(bob) == {}
        assert (memory.find_front(bob), memory.find_read_mark(bob, "#tea")) == (None, None)
        assert memory.list_typed(10) == ["hello"]
        assert memory.take_trouble() == ""
        memory.close()
    memory = Memory(path)
    memory.adopt(PlaceOwner("work", "bob"))
    assert memory.list_places(PlaceOwner("work", "bob")) == {"#cats": "#cats"}
    memory.close()


def test_what_was_read_is_never_unread(path: Path) -> None:
    """A mark moves only forward, and is exact to the millisecond of the server's time."""
    memory = Memory(path)
    assert memory.find_read_mark(HOME, "#tea") is None
    memory.set_read_marks(HOME, {"#tea": NOON + timedelta(milliseconds=123), "bob": NOON})
    memory.set_read_marks(HOME, {"#tea": NOON})
    assert memory.find_read_mark(HOME, "#tea") == NOON + timedelta(milliseconds=123)
    assert memory.find_read_mark(WORK, "#tea") is None
    memory.close()


def test_the_last_typed_lines_are_kept(path: Path) -> None:
    """A line typed twice in a row is kept once; older lines than wanted, and long pastes, are forgotten."""
    memory = Memory(path)
    for text in ("one", "two", "two", "several\nlines", "x" * 10_001, "three"):
        memory.add_typed(text)
    assert memory.list_typed(100) == ["one", "two", "several\nlines", "three"]
    assert memory.list_typed(0) == []
    assert memory.list_typed(2) == ["several\nlines", "three"]
    assert memory.list_typed(100) == ["several\nlines", "three"]
    memory.close()


def test_nobody_else_can_read_it(path: Path) -> None:
    """The directory has mode 0700; the file and those beside it have 0600, whatever the umask is."""
    before = os.umask(0)
    try:
        memory = Memory(path)
        memory.add_typed("secret plans")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    memory.close()


def test_two_clients_do_not_hurt_each_other(path: Path) -> None:
    """Three processes that begin at once, and write at once, lose no line, and none has trouble."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, word, "50"], stdout=subprocess.PIPE, text=True)
        for word in ("a", "b", "c")
    ]
    said = [writer.communicate()[0] for writer in writers]
    assert said == ["".join(f"{number} \n" for number in range(50))] * 3
    memory = Memory(path)
    lines = memory.list_typed(1000)
    memory.close()
    for word in ("a", "b", "c"):
        assert [line for line in lines if line[0] == word] == [f"{word} {number}" for number in range(50)]


def test_a_client_that_begins_waits_for_another_one_that_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself refuses WAL mode at once while another one makes the new file."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("chatroom.client.store.memory_file.time.sleep", lambda _: other.close())
    memory = Memory(path)
    memory.add_typed("one")
    assert memory.take_trouble() == ""
    assert memory.list_typed(10) == ["one"]
    memory.close()


def test_a_killed_client_leaves_a_whole_file(path: Path) -> None:
    """After kill -9 in the middle of writing, every line that was written is there, in their order."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path, "line", "100000"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        seen = [writer.stdout.readline() for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
    assert len(seen) == 30
    memory = Memory(path)
    lines = memory.list_typed(1_000_000)
    assert lines == [f"line {number}" for number in range(len(lines))]
    assert len(lines) >= 30
    memory.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_client_that_blocks_the_file_costs_the_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another process holds the write lock too long, the chat does not wait for it again and again."""
    monkeypatch.setattr("chatroom.client.store.memory_file.WAIT_S", 0.0)
    memory = Memory(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    memory.add_typed("one")
    assert "cannot be used: database is locked" in memory.take_trouble()
    memory.add_typed("two")
    assert memory.take_trouble() == ""
    assert memory.list_typed(10) == []
    other.close()


def check_useless(path: Path, why: str) -> None:
    """Assert that a memory in this file says once why it cannot be used, does nothing, and changes no byte."""
    before = path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else b""
    memory = Memory(path)
    trouble = memory.take_trouble()
    assert why in trouble
    assert str(path) in trouble
    memory.add_typed("text")
    memory.set_read_marks(HOME, {"#tea": NOON})
    assert memory.list_typed(10) == []
    assert memory.list_places(HOME) == {}
    assert memory.find_read_mark(HOME, "#tea") is None
    assert memory.take_trouble() == ""
    memory.close()
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_file_that_is_no_database(path: Path) -> None:
    """Any other file is damaged, and is left as it is."""
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look like one " * 40)
    check_useless(path, "is damaged: file is not a database")


def test_a_damaged_page(path: Path) -> None:
    """A file with broken pages costs the memory at the first look at them."""
    memory = Memory(path)
    for number in range(2000):
        memory.add_place(HOME, f"#room-with-a-long-name-{number}", "#room")
    memory.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    memory = Memory(path)
    assert memory.list_places(HOME) == {}
    assert "is damaged" in memory.take_trouble()
    memory.close()


@pytest.mark.parametrize(
    "sql, why",
    [
        (f"PRAGMA user_version = {VERSION + 1}", "was written by a newer chatroom"),
        ("PRAGMA application_id = 7", "is the database of another program"),
    ],
)
def test_a_file_of_the_future_or_of_others(path: Path, sql: str, why: str) -> None:
    """A file of a newer client, or of another program, is refused and left as it is."""
    Memory(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute(sql)
    connection.commit()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    check_useless(path, why)


def test_places_that_cannot_be_written(path: Path) -> None:
    """A directory in the file's place, and a file in the directory's place, cost the memory and not the chat."""
    path.mkdir(parents=True)
    check_useless(path, "cannot be used: Is a directory")
    check_useless(path.parent.parent / "state" / "client.db" / "x" / ".." / "x", "cannot be used")


def test_without_a_home_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path all methods work and remember nothing."""
    memory = Memory(None)
    memory.add_typed("text")
    assert memory.list_typed(10) == []
    assert memory.take_trouble() == ""
    memory.close()
    monkeypatch.setattr("chatroom.paths.user_state_directory", lambda: None)
    assert default_path() is None


def test_only_this_package_loads_sqlite() -> None:
    """The client without the screen, as in a pipe, does not load SQLite."""
    code = "import sys, chatroom.client.main, chatroom.client.chats; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
