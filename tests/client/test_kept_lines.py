"""What the arrow up finds in a later chat."""

from __future__ import annotations

from pathlib import Path

from chatroom.client.kept_lines import KeptLines
from chatroom.client.store.memory import Memory


def lines_of_next_chat(path: Path, most: int = 10) -> list[str]:
    """What another chat on the same file begins with, oldest first."""
    memory = Memory(path)
    try:
        kept = KeptLines(memory, most, lambda: "#lobby")
        return list(reversed(list(kept.load_history_strings())))
    finally:
        memory.close()


def type_lines(path: Path, *lines: str, most: int = 10, place: str = "#lobby") -> list[str]:
    """Type lines in one chat, and return what its arrow up finds, oldest first."""
    memory = Memory(path)
    try:
        kept = KeptLines(memory, most, lambda: place)
        for line in lines:
            kept.append_string(line)
        return kept.get_strings()
    finally:
        memory.close()


def test_typed_lines_are_there_in_the_next_chat(tmp_path: Path) -> None:
    """Lines come back in the order in which they were typed, no more than were asked for."""
    path = tmp_path / "memory.sqlite"
    assert type_lines(path, "one", "two", "three") == ["one", "two", "three"]
    assert lines_of_next_chat(path) == ["one", "two", "three"]
    assert lines_of_next_chat(path, most=2) == ["two", "three"]


def test_a_password_is_only_in_this_chat(tmp_path: Path) -> None:
    """A line to NickServ is found again in this chat, and is not in the file."""
    path = tmp_path / "memory.sqlite"
    assert type_lines(path, "identify hunter2", place="NickServ") == ["identify hunter2"]
    assert lines_of_next_chat(path) == []


def test_nothing_is_kept_for_who_wants_no_lines(tmp_path: Path) -> None:
    """With 0 lines to remember, a later chat that wants some finds none."""
    path = tmp_path / "memory.sqlite"
    assert type_lines(path, "one", most=0) == ["one"]
    assert lines_of_next_chat(path) == []
