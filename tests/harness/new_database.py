"""A new database for a test, copied from one that was made once: the migrations take ten times as long."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from chatroom.storage.sqlite.sqlite_stores import open_stores


def make_database(path: Path) -> Path:
    """Make an empty database at ``path``, which has the newest schema, unless there is one. Returns ``path``.

    Not for a test of how a database is made, or of what happens if one takes the place of another: all copies are the
    same database to ``write_ahead_log``.
    """
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(_made_once())
    return path


@functools.cache
def _made_once() -> bytes:
    with tempfile.TemporaryDirectory(prefix="chatroom-test-") as directory:
        path = Path(directory, "chat.db")
        open_stores(path, create=True).close()
        assert [each.name for each in path.parent.iterdir()] == [path.name], "the log is written into the file"
        return path.read_bytes()
