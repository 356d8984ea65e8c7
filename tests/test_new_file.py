"""Files that get their name only when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatroom.new_file import new_file


def test_a_failure_keeps_the_old_file(tmp_path: Path) -> None:
    """If the block raises, the old file stays and no other file is left."""
    path = tmp_path / "export"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), new_file(path) as file:
        file.write("new \udcff")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["export"]


def test_the_new_file_is_private(tmp_path: Path) -> None:
    """A file that others could read is replaced by one that they cannot read."""
    path = tmp_path / "export"
    path.write_text("old")
    path.chmod(0o666)
    with new_file(path) as file:
        file.write("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert os.listdir(tmp_path) == ["export"]


def test_a_link_is_replaced(tmp_path: Path) -> None:
    """What a symbolic link leads to is not touched."""
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("precious")
    link.symlink_to(precious)
    with new_file(link) as file:
        file.write("new")
    assert (precious.read_text(), link.read_text(), link.is_symlink()) == ("precious", "new", False)


def test_a_device_is_written_to(tmp_path: Path) -> None:
    """A device is not replaced by a file."""
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        with new_file(path) as file:
            file.write("text")
    assert link.is_symlink()
    assert Path("/dev/null").is_char_device()


def test_a_directory_that_is_missing_names_the_file(tmp_path: Path) -> None:
    """The error names the file that was asked for, and not a temporary one."""
    path = tmp_path / "missing" / "export"
    with pytest.raises(FileNotFoundError) as refusal, new_file(path):
        pass
    assert refusal.value.filename == str(path)


def test_a_full_disk_names_the_file() -> None:
    """The system's error has no name, and its reader would not know which disk is meant."""
    with pytest.raises(OSError, match="No space left") as refusal, new_file(Path("/dev/full")) as file:
        file.write("x")
    assert refusal.value.filename == "/dev/full"
