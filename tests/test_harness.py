"""What tests rely on without saying so."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness.temporary_files import keep_in_memory, short_directory


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
