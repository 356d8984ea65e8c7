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
_MOST_MEMBERS = 100
"""How many files in a packed file are looked at."""
_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, OSError)
"""What is raised for a packed file that is none, or broken, or encrypted."""
_PACKED = (b"\x1f\x8b", b"PK\x03\x04")
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
        return _find_in_zip(body)
    return None


def _find_in_zip(body: bytes) -> str | None:
    with contextlib.suppress(*_UNREADABLE), zipfile.ZipFile(io.BytesIO(body)) as packed:
        if _ARCHIVE.issubset(packed.namelist()):
            return "an archive of everything"
        for member in packed.infolist()[:_MOST_MEMBERS]:
            if member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                kind = _find_in_member(packed, member)
                if kind is not None:
                    return kind
    return None


def _find_in_member(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    with contextlib.suppress(*_UNREADABLE), packed.open(member) as file:
        begin = file.read(_LOOKED_AT)
        return None if begin.startswith(_PACKED) else find_kind(begin)
    return None


def _find_in_gzip(body: bytes) -> str | None:
    try:
        begin = zlib.decompressobj(wbits=31).decompress(body, _LOOKED_AT)
    except zlib.error:
        return None
    # Not a packed file in a packed file: nobody makes those by mistake.
    return None if begin.startswith(_PACKED) else find_kind(begin)


def find_named(settings: Settings) -> frozenset[tuple[int, int]]:
    """Return device and inode of the files with secrets that the settings name."""
    paths = [path for listen in settings.listen for path in listen.key]
    named = settings.source, settings.log.file, settings.database.password_file
    paths += [path for path in named if path is not None]
    if settings.database.url is None:
        paths += database_files(settings.database.path)
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
