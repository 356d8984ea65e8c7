"""The room that is kept on the disk for bans, accounts and the audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatroom.storage.disk_reserve import LEAST_BYTES, MOST_BYTES, ROOM_BYTES, DiskReserve

PLENTY = 10 * MOST_BYTES


@pytest.fixture
def set_free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that sets how many bytes are free on the disk."""
    free = [PLENTY]
    monkeypatch.setattr(DiskReserve, "free_bytes", lambda _: free[0])

    def set_it(bytes_: int) -> None:
        free[0] = bytes_

    return set_it


@pytest.fixture
def reserve(tmp_path: Path, set_free: Callable[[int], None]) -> DiskReserve:
    """A reserve that was made on a disk with much room."""
    reserve = DiskReserve(tmp_path / "chat.db")
    reserve.look()
    return reserve


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the reserve."""
    return tmp_path / "chat.db-reserve"


def test_it_is_allocated_and_private(reserve: DiskReserve, file: Path) -> None:
    """The file has its blocks, not only its size, and no other user may read it."""
    found = file.stat()
    assert found.st_size == MOST_BYTES
    assert found.st_blocks * 512 >= MOST_BYTES
    assert found.st_mode & 0o777 == 0o600
    assert not reserve.is_short


def test_with_room_everything_is_written(reserve: DiskReserve, file: Path) -> None:
    """Nothing is given up while the disk has room."""
    assert reserve.make_room()
    assert reserve.make_room(is_minor=True)
    assert file.exists()


def test_a_full_disk_gives_it_to_what_is_not_minor(
    reserve: DiskReserve, file: Path, set_free: Callable[[int], None]
) -> None:
    """A minor write is refused on a full disk; a ban gets the room, and then minor writes are still refused."""
    set_free(ROOM_BYTES - 1)
    assert not reserve.make_room(is_minor=True)
    assert file.exists()
    assert reserve.make_room()
    assert not file.exists()
    set_free(MOST_BYTES)
    assert reserve.is_short
    assert not reserve.make_room(is_minor=True)
    assert reserve.make_room()


def test_what_was_given_up_does_not_count_as_free(
    reserve: DiskReserve, file: Path, set_free: Callable[[int], None]
) -> None:
    """The reserve is made again when other room is free, and only then."""
    reserve.give_up()
    set_free(MOST_BYTES)
    reserve.look()
    assert not reserve.make_room(is_minor=True)
    assert not file.exists()
    set_free(PLENTY)
    reserve.look()
    assert file.exists()
    assert reserve.make_room(is_minor=True)


def test_another_process_may_give_it_up(reserve: DiskReserve, file: Path, set_free: Callable[[int], None]) -> None:
    """A ban from the shell removes the file; the daemon's next look sees it."""
    set_free(0)
    DiskReserve(file.with_name("chat.db")).make_room()
    set_free(MOST_BYTES)
    reserve.look()
    assert reserve.is_short


def test_a_small_disk_has_a_small_one(tmp_path: Path, file: Path, set_free: Callable[[int], None]) -> None:
    """It takes a quarter of what is free, and none at all of a disk that has hardly any room."""
    reserve = DiskReserve(tmp_path / "chat.db")
    set_free(4 * LEAST_BYTES - 1)
    reserve.look()
    assert not file.exists()
    assert not reserve.is_short
    set_free(8 * LEAST_BYTES)
    reserve.look()
    assert file.stat().st_size == 2 * LEAST_BYTES


def test_it_is_beside_the_real_file(tmp_path: Path, set_free: Callable[[int], None]) -> None:
    """Through a link it is on the database's disk, and a link in its own place is not followed."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "chat.db").touch()
    (tmp_path / "link.db").symlink_to(place / "chat.db")
    (tmp_path / "victim").write_text("precious")
    (place / "chat.db-reserve").symlink_to(tmp_path / "victim")
    DiskReserve(tmp_path / "link.db").look()
    assert (tmp_path / "victim").read_text() == "precious"
