"""The paths of the database, the configuration and the control socket."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom import paths
from chatroom.errors import ServeError
from chatroom.paths import (
    SOCKET_PATH_LENGTH,
    config_directories,
    control_socket,
    default_database,
    list_control_sockets,
    runtime_directory,
)


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for temporary files of the test, and no runtime directory of the desktop."""
    tmp_path_factory.getbasetemp()  # or pytest would make its own directory in this one, which goes with the test
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with tempfile.TemporaryDirectory(prefix="chatroom-test-") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)


def test_the_default_database_is_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is in the user's data directory, which is not created."""
    monkeypatch.setenv("XDG_DATA_HOME", "/nonexistent/data")
    assert default_database() == Path("/nonexistent/data/chatroom/chatroom.db")


def test_the_users_configuration_comes_before_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's configuration directory comes before the system's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent/config")
    assert config_directories() == (Path("/nonexistent/config/chatroom"), Path("/etc/chatroom"))


def test_the_desktops_runtime_directory_is_used(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``XDG_RUNTIME_DIR`` is used if only the user can enter it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(temporary))
    assert runtime_directory() == temporary


def test_a_services_runtime_directory_is_used(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit makes it. What ``sudo -u chatroom chatroomctl`` starts has no ``XDG_RUNTIME_DIR``, and finds it."""
    service = temporary / "run"
    monkeypatch.setattr(paths, "SYSTEM_RUNTIME", service)
    service.mkdir(mode=0o755)
    assert runtime_directory() == temporary / f"chatroom-{os.getuid()}"
    service.chmod(0o700)
    assert runtime_directory() == service
    (service / "chatroom-1.sock").touch()
    assert list_control_sockets() == [service / "chatroom-1.sock"]


@pytest.mark.parametrize("given", ["", "relative/path", "/nonexistent", "/" + "x" * 100])
def test_an_unusable_runtime_directory_is_passed_over(
    given: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a usable ``XDG_RUNTIME_DIR`` a private directory is created once and then used again."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", given)
    made = runtime_directory()
    assert made == temporary / f"chatroom-{os.getuid()}"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert runtime_directory() == made


def test_a_runtime_directory_open_to_others_is_refused(temporary: Path) -> None:
    """A directory that others can enter, a link and a file are refused for the control socket."""
    ours = temporary / f"chatroom-{os.getuid()}"
    ours.mkdir(mode=0o755)
    with pytest.raises(ServeError, match="not a directory of our own"):
        runtime_directory()
    ours.rmdir()
    (temporary / "elsewhere").mkdir(mode=0o700)
    ours.symlink_to(temporary / "elsewhere")
    with pytest.raises(ServeError, match="not a directory of our own"):
        runtime_directory()


def test_daemons_are_found_in_both_runtime_directories(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that was started without ``XDG_RUNTIME_DIR`` is found too, but none in a directory open to others."""
    (temporary / "session").mkdir(mode=0o700)
    sockets = []
    for given in ("", str(temporary / "session")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", given)
        sockets.append(control_socket(Path("chat.db")))
        sockets[-1].touch()
    assert list_control_sockets() == sorted(sockets)
    (temporary / "session").chmod(0o755)
    assert list_control_sockets() == sockets[:1]


def test_a_database_has_one_socket_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths and links of a database give the same socket. Another database has another one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    socket = control_socket(tmp_path / "chat.db")
    assert control_socket(Path("chat.db")) == control_socket(Path("link/chat.db")) == socket
    assert control_socket(tmp_path / "other.db") != socket


def test_a_sockets_path_is_short(tmp_path: Path) -> None:
    """However long the path of the database is, the path of the socket fits the kernel's limit."""
    path = control_socket(tmp_path / ("x" * 200) / ("y" * 200) / "chat.db")
    assert len(os.fsencode(path)) <= SOCKET_PATH_LENGTH
