from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatroom.database_address import ServerAddress
from chatroom.errors import AlreadyServing, StorageError
from chatroom.storage import daemon_lock
from chatroom.storage.daemon_lock import DaemonLock, is_held, list_nodes


def test_one_holder_at_a_time(path: Path) -> None:
    """A second acquisition is refused and names the database, until the first is released."""
    with DaemonLock.acquire(path) as lock:
        with pytest.raises(AlreadyServing) as refusal:
            DaemonLock.acquire(path)
        assert str(path) in str(refusal.value)
        lock.release()
        DaemonLock.acquire(path).release()


def test_asking_does_not_take_it(path: Path) -> None:
    """``is_held`` neither keeps the lock nor makes its file."""
    assert not is_held(path)
    assert not path.with_name(f"{path.name}.lock").exists()
    with DaemonLock.acquire(path):
        assert is_held(path)
        assert is_held(path)
    assert not is_held(path)


def test_a_pipe_in_its_place_keeps_nobody_waiting(path: Path) -> None:
    """To open it for reading would wait for a writer."""
    os.mkfifo(path.with_name(f"{path.name}.lock"))
    with pytest.raises(StorageError, match="cannot look at the daemon's lock: it is a named pipe"):
        is_held(path)


def test_who_asks_does_not_keep_a_daemon_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the lock is taken at the first try and free at the next, it is acquired."""
    tries = []
    real = daemon_lock._try_lock

    def taken_at_first(descriptor: int, operation: int) -> bool:
        tries.append(operation)
        return len(tries) > 1 and real(descriptor, operation)

    monkeypatch.setattr(daemon_lock, "_try_lock", taken_at_first)
    DaemonLock.acquire(path).release()
    assert len(tries) == 2


def test_links_lead_to_one_lock(path: Path) -> None:
    """Two names of one database have one lock."""
    path.touch()
    link = path.with_name("link.db")
    link.symlink_to(path)
    with DaemonLock.acquire(link):
        assert is_held(path)


def test_lock_ends_with_its_process(path: Path) -> None:
    """The lock is free after its process was killed."""
    script = (
        "import sys; from pathlib import Path; from chatroom.storage.daemon_lock import DaemonLock;"
        "lock = DaemonLock.acquire(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_held(path)
        holder.kill()
        holder.wait(30)
    DaemonLock.acquire(path).release()


def test_file_is_the_owners_alone(path: Path) -> None:
    """The lock's file has mode 0600 and stays."""
    with DaemonLock.acquire(path) as lock:
        assert lock.path.stat().st_mode & 0o777 == 0o600
    assert lock.path.exists()


def test_where_no_lock_can_be_made(tmp_path: Path) -> None:
    """Without its directory, a lock cannot be acquired, and is not held."""
    path = tmp_path / "none" / "chatroom.db"
    with pytest.raises(StorageError, match="No such file or directory"):
        DaemonLock.acquire(path)
    assert not is_held(path)


def test_nodes_of_one_machine_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own as well, so that no two run under one name. A lone daemon runs beside none of them."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    monkeypatch.setattr(daemon_lock, "_PATIENCE_S", 0.0)
    address = ServerAddress("postgresql://chat@db.example.org/chat")
    assert list_nodes(address) == []
    with DaemonLock.acquire(address, "b") as lock, DaemonLock.acquire(address, "a-2"):
        assert is_held(address)
        assert list_nodes(address) == ["a-2", "b"]
        with pytest.raises(AlreadyServing, match="node b runs already"):
            DaemonLock.acquire(address, "b")
        with pytest.raises(AlreadyServing, match="another daemon serves this database"):
            DaemonLock.acquire(address)
        lock.release()
        lock.release()
        assert list_nodes(address) == ["a-2"]
    assert not is_held(address)
    with DaemonLock.acquire(address):
        assert is_held(address)
        assert list_nodes(address) == []
        with pytest.raises(AlreadyServing, match="belongs to no cluster"):
            DaemonLock.acquire(address, "b")
