"""Every file that a command writes: never through a symbolic link, and never open to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from harness.shell import Shell

# Each writes to the file of the given name in the directory DIR.
WRITERS: dict[str, tuple[str, Sequence[str]]] = {
    "history export": ("out", ["history", "export", "DIR/out"]),
    "history export --force": ("out", ["history", "export", "DIR/out", "--force"]),
    "export": ("out", ["export", "DIR/out"]),
    "export --force": ("out", ["export", "DIR/out", "--force"]),
    "import accounts": ("out", ["import", "accounts", "DIR/../people.csv", "--new-passwords", "DIR/out"]),
    "ban export": ("out", ["ban", "export", "DIR/out"]),
    "db backup": ("out", ["db", "backup", "DIR/out"]),
    "db backup --force": ("out", ["db", "backup", "DIR/out", "--force"]),
    "config init": ("out", ["config", "init", "DIR/out"]),
    "tls self-signed": ("key.pem", ["tls", "self-signed", "chat.lan", "--directory", "DIR", "--yes"]),
}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path / "chat.db")


@pytest.fixture(params=WRITERS)
def writer(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> tuple[Path, list[str]]:
    """The file that a command writes, and how the command is called."""
    shell.create("ada", "admin")
    name, call = WRITERS[request.param]
    (tmp_path / "people.csv").write_text("name\nbob\n")
    directory = tmp_path / "written"
    directory.mkdir()
    return directory / name, [word.replace("DIR", str(directory)) for word in call]


def test_a_link_is_not_followed(shell: Shell, writer: tuple[Path, list[str]], tmp_path: Path) -> None:
    """What the link leads to stays as it was, whether the command refuses or replaces the link."""
    file, call = writer
    precious = tmp_path / "precious"
    precious.write_text("precious")
    file.symlink_to(precious)
    shell.run(*call)
    assert precious.read_text() == "precious"


def test_a_dangling_link_makes_nothing(shell: Shell, writer: tuple[Path, list[str]], tmp_path: Path) -> None:
    """A link of another user cannot have a file made at a place of that user's choice."""
    file, call = writer
    file.symlink_to(tmp_path / "chosen")
    shell.run(*call)
    assert not (tmp_path / "chosen").exists()


def test_a_file_that_all_may_read_is_closed(shell: Shell, writer: tuple[Path, list[str]]) -> None:
    """If the command replaces such a file, nobody else can read the new one."""
    file, call = writer
    file.touch(mode=0o666)
    file.chmod(0o666)
    shell.run(*call)
    assert file.stat().st_size == 0 or file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "call",
    [["history", "export"], ["ban", "export"], ["export", "--force"], ["db", "backup", "--force"]],
    ids=" ".join,
)
def test_no_export_replaces_a_file_of_the_server(shell: Shell, call: list[str], tmp_path: Path) -> None:
    """The database, what stands beside it, and the configuration; by a link, too."""
    config = tmp_path / "chatroom.toml"
    config.write_text("# mine\n")
    shell.create("ada", "admin")
    link, hard = tmp_path / "link", tmp_path / "hard"
    link.symlink_to(shell.database)
    hard.hardlink_to(shell.database)
    beside = [tmp_path / f"chat.db{suffix}" for suffix in ("-wal", "-shm", "-reserve", ".lock")]
    with shell.stores():  # SQLite has its two files then
        for file in beside[2:]:
            file.touch()
        for file in (shell.database, link, hard, *beside, config):
            before = file.read_bytes()
            told = shell.refused("--config", str(config), *call, str(file))
            assert told.startswith(f"{file}: is the "), told
            assert file.read_bytes() == before
