"""Commands that are ended by a signal while they write: nothing of what they have begun stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from harness.kept_history import fill
from harness.shell import Shell

# Each writes to OUT, or beside the database, and calls the function of that name on its way.
WRITERS: dict[str, tuple[str, Sequence[str]]] = {
    "history export": ("chatroom.ctl.history_commands.format_line", ["history", "export", "OUT"]),
    "export": ("chatroom.ctl.archive_steps.write_archive", ["export", "OUT", "--force"]),
    "db backup": ("chatroom.ctl.database_copies.require_sound", ["db", "backup", "OUT", "--force"]),
    "db backup -": ("chatroom.ctl.database_copies.require_sound", ["db", "backup", "-"]),
    "db vacuum": ("chatroom.ctl.database_copies.require_sound", ["db", "vacuum"]),
    "db restore": ("chatroom.ctl.db_commands._require_sound", ["db", "restore", "COPY", "--yes"]),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_of_it_stays(writer: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file is as it was, and no hidden one with messages and password hashes lies beside it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "out").mkdir()
    shell, out, copy = Shell(tmp_path / "data" / "chat.db"), tmp_path / "out" / "out", tmp_path / "copy.db"
    fill(shell)
    shell.done("db", "backup", str(copy))
    out.write_text("old")
    before = shell.json("history", "stats")
    place, call = WRITERS[writer]

    def end(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), number)

    names = {"OUT": str(out), "COPY": str(copy)}
    with monkeypatch.context() as patched:
        patched.setattr(place, end)
        ended = shell.run(*[names.get(word, word) for word in call])
    assert ended.exit_code == 128 + number
    assert [file.name for file in out.parent.iterdir()] == ["out"]
    assert out.read_text() == "old"
    assert {file.name for file in shell.database.parent.iterdir()} <= {"chat.db", "chat.db.lock", "chat.db-reserve"}
    assert shell.json("history", "stats") == before
