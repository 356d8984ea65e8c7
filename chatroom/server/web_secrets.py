"""Files that no browser may have, found in a ``webroot``: by what they are, and by what is in them.

The settings name some of them (the database, keys, backups). A copy that was made by hand is none of these, and lies in
the directory of a page by mistake all the same.
"""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from chatroom.paths import database_files
from chatroom.storage.sqlite.scheduled_copies import BackupDirectory

if TYPE_CHECKING:
    from chatroom.config import Settings

_SQLITE_HEADS = {
    b"SQLite format 3\0": "a database",  # https://www.sqlite.org/fileformat.html, section 1.3
    b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7": "the journal of a database",  # section 3
    b"\x37\x7f\x06\x82": "the write-ahead log of a database",  # section 4.1, and the same with 83
    b"\x37\x7f\x06\x83": "the write-ahead log of a database",
}
# RFC 7468, section 2. A line begins with it and base64 or a header (RFC 1421) follows: scripts of web clients that read
# keys have the words within a line.
_PRIVATE_KEY = re.compile(rb"^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s+[A-Za-z0-9+/]", re.MULTILINE)
_LOOKED_AT = 65536
"""How much of a packed file is unpacked to look at it."""
_ARCHIVE = frozenset({"manifest.json", "accounts.jsonl"})


def find_kind(body: bytes) -> str | None:
    """Return what a file is that has secrets, such as "a database"; None for other files."""
    for head, kind in _SQLITE_HEADS.items():
        if body.startswith(head):
            return kind
    if _PRIVATE_KEY.search(body) is not None:
        return "a private key"
    if body.startswith(b"\x1f\x8b"):
        return _find_in_gzip(body)
    if body.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as packed:
                names = packed.namelist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
            return None
        return "an archive of everything" if _ARCHIVE.issubset(names) else None
    return None


def _find_in_gzip(body: bytes) -> str | None:
    try:
        begin = zlib.decompressobj(wbits=31).decompress(body, _LOOKED_AT)
    except zlib.error:
        return None
    # Not a packed file in a packed file: nobody makes those by mistake.
    return None if begin.startswith(b"\x1f\x8b") else find_kind(begin)


def find_named(settings: Settings) -> frozenset[tuple[int, int]]:
    """Return device and inode of the files with secrets that the settings name."""
    paths = [*database_files(settings.database.path), *(path for listen in settings.listen for path in listen.key)]
    paths += [path for path in (settings.source, settings.log.file) if path is not None]
    backups = BackupDirectory(settings.backup_directory, settings.database.path)
    with contextlib.suppress(OSError):  # what cannot be listed is not found in the page's directory either
        paths += [backup.path for backup in backups.list_all()]
    found = set()
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.add((status.st_dev, status.st_ino))
    return frozenset(found)
