"""What tests rely on without saying so."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.cluster import is_back
from harness.daemon import Client
from harness.rooms_as_read import RoomsAsRead
from harness.scripted_server import Peer
from harness.temporary_files import keep_in_memory, short_directory

_DONE = ":a.test 306 ann :You have been marked as being away"
_BACK = ":a.test 305 ann :You are no longer marked as being away"
_REFUSED = ":a.test FAIL AWAY NOT_CONNECTED :This server is not connected to the others: try again in a moment"


def test_a_server_of_a_test_that_failed_does_not_keep_pytest_from_ending(tmp_path: Path) -> None:
    """It is not closed then, and its thread waits for the next client for ever."""
    script = (
        "import sys; from pathlib import Path; from harness.control_server import ControlServer;"
        " kept = ControlServer(Path(sys.argv[1]), {}); raise SystemExit(7)"
    )
    tmp_path.chmod(0o700)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "XDG_RUNTIME_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "chat.db")], env=environment, timeout=60)
    assert ended.returncode == 7


def test_temporary_files_are_where_tmpdir_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets it wants them there. A Unix socket has a short path nevertheless."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    keep_in_memory()
    assert tempfile.gettempdir() == str(tmp_path)
    assert short_directory() == "/tmp"


@pytest.mark.parametrize(
    "first, second, is_there",
    [(_DONE, _BACK, True), (_REFUSED, _REFUSED, False), (_REFUSED, _BACK, True), (_DONE, _REFUSED, False)],
)
def test_a_cluster_is_back_if_the_last_line_was_run(first: str, second: str, is_there: bool) -> None:
    """Redis may come, or go, between two lines. Answers to what was asked before count for nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening, Client(listening.getsockname()[1]) as client:
        sock, _ = listening.accept()
        with sock:
            peer = Peer(sock)
            peer.send(_DONE, _BACK)
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(is_back, client)
                for line in (first, second):
                    peer.expect("AWAY")
                    peer.send(line)
                fence = peer.expect("PING")
                peer.send(f":a.test PONG a.test :{fence.params[0]}")
                assert answer.result() is is_there


def test_a_moderator_reads_what_it_has_done_from_outside() -> None:
    """Nobody else is told of a channel that it is not in: that would be a fault."""
    read = RoomsAsRead()
    read.read([":server 001 mo :Welcome", ":mo!mo@host KICK #a una :enough"])
    assert read.rooms == {}
    with pytest.raises(KeyError):
        read.read([":vic!vic@host KICK #a una :enough"])
