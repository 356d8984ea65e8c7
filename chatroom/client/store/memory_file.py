"""The SQLite file of the client's memory: opening it, and its schema.

Several clients use it at once: it is in WAL mode, each change is one short transaction, and a client waits for another
one for ``WAIT_S`` at most. A killed client leaves whole transactions.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

VERSION = 2
"""The schema that this client writes (``PRAGMA user_version``)."""
WAIT_S = 1.0
"""How long to wait for another client that writes."""
_LOOK_S = 0.01

_APPLICATION = 0x63686D65  # "chme", so that another program's database is not taken for ours

_PLACES = """
CREATE TABLE places (
    id INTEGER PRIMARY KEY, -- in the order in which they were opened
    server TEXT NOT NULL,
    user TEXT NOT NULL,
    folded TEXT NOT NULL, -- the name as the server compares it
    name TEXT NOT NULL,
    UNIQUE (server, user, folded)
) STRICT;
CREATE TABLE fronts (
    server TEXT NOT NULL,
    user TEXT NOT NULL,
    folded TEXT NOT NULL, -- the place in front
    PRIMARY KEY (server, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE read_marks (
    server TEXT NOT NULL,
    user TEXT NOT NULL,
    folded TEXT NOT NULL,
    read_ms INTEGER NOT NULL, -- up to when the place was read, in Unix milliseconds
    PRIMARY KEY (server, user, folded)
) STRICT, WITHOUT ROWID
"""

_TYPED_LINES = """
CREATE TABLE typed_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL
) STRICT
"""

# Version 1 did not note of which user the places are: the first one on the server gets them (``Memory.adopt``).
_RENAME_1 = """
ALTER TABLE places RENAME TO old_places;
ALTER TABLE fronts RENAME TO old_fronts;
ALTER TABLE read_marks RENAME TO old_read_marks
"""
_COPY_1 = """
INSERT INTO places SELECT id, server, '', folded, name FROM old_places;
INSERT INTO fronts SELECT server, '', folded FROM old_fronts;
INSERT INTO read_marks SELECT server, '', folded, read_ms FROM old_read_marks;
DROP TABLE old_places;
DROP TABLE old_fronts;
DROP TABLE old_read_marks
"""

_SCRIPTS = {0: (_PLACES, _TYPED_LINES), 1: (_RENAME_1, _PLACES, _COPY_1)}
"""What makes a file of each earlier version one of this version; 0 is an empty file."""


class Unusable(Exception):
    """The file cannot be used. The text says why, to follow the path."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, and make it if it is missing: mode 0600, in a directory of mode 0700.

    Raises ``Unusable`` for a file of a newer client or of another program, ``sqlite3.Error`` and OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives the files beside it the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
    try:
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last lines, never the file
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode. SQLite itself does not wait if another client that begins does the same just now."""
    give_up_s = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up_s:
                raise
        time.sleep(_LOOK_S)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make the changes of the block one transaction; none of them if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # The error may have ended the transaction by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")  # or else another client could make the tables between two of the questions
    version = _read_version(connection)
    connection.execute("COMMIT")
    if version == VERSION:
        return
    with transaction(connection):
        # Again, because another client may have made the tables meanwhile.
        version = _read_version(connection)
        if version != VERSION:
            for script in _SCRIPTS[version]:
                for statement in script.split(";\n"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")


def _read_version(connection: sqlite3.Connection) -> int:
    """Return the version of the schema, 0 for an empty file. Raises ``Unusable`` if it is not ours or newer."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != _APPLICATION and (application or version or tables):
        raise Unusable("is the database of another program")
    if version > VERSION:
        raise Unusable(f"was written by a newer chatroom (version {version} of its tables, not {VERSION})")
    return int(version)
