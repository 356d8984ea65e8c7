"""Nothing is written to a database that was removed or replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.errors import DiskFull, StorageError
from chatroom.storage.write_guard import WriteGuard


@pytest.fixture
def guard(path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteGuard:
    """A guard of a file, with its write-ahead log."""
    path.touch()
    path.with_name(f"{path.name}-wal").touch()
    guard = WriteGuard(path)
    guard.file.find_log_fault()
    monkeypatch.setattr("chatroom.storage.write_guard._TRUST_S", 0.0)
    return guard


def test_a_removed_file_is_noticed(guard: WriteGuard, path: Path) -> None:
    """Every write is refused from then on, and allowed again if the same file comes back."""
    away = path.with_name("away")
    path.rename(away)
    with pytest.raises(StorageError, match="removed"):
        guard.require_room()
    with pytest.raises(StorageError, match="removed"):
        guard.require_room_for_messages()
    away.rename(path)
    guard.require_room()
    guard.require_room_for_messages()


def test_a_replaced_file_is_noticed(guard: WriteGuard, path: Path) -> None:
    """Another file of the same name is not the one that was opened."""
    other = path.with_name("other")
    other.touch()
    other.rename(path)
    with pytest.raises(StorageError, match="another file"):
        guard.require_room_for_messages()


def test_a_removed_log_is_noticed(guard: WriteGuard, path: Path) -> None:
    """The write-ahead log is where commits go: without it they would be lost, too."""
    path.with_name(f"{path.name}-wal").unlink()
    guard.log_fault = guard.file.find_log_fault()
    with pytest.raises(StorageError, match="-wal"):
        guard.require_room_for_messages()


def test_messages_get_none_of_the_last_room(guard: WriteGuard) -> None:
    """When the reserve is given up, a ban may be written and a message may not."""
    guard.reserve.give_up()
    guard.require_room()
    with pytest.raises(DiskFull):
        guard.require_room_for_messages()
