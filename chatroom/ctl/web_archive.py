"""Archives with the files of a web client: read whole into memory, within bounds, before anything is written.

An archive may be malicious: with names that lead elsewhere (``../``), links, devices, or a few bytes that unpack to
gigabytes. All of these are refused, never repaired.
"""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from chatroom.errors import Refused
from chatroom.plain_file import read_plain
from chatroom.server.web_files import ALL_BYTES, FILE_BYTES, INDEX, MOST_FILES

ARCHIVE_BYTES = 64 << 20
"""The longest archive, and the longest that its compression may hide: files, and what stands between them."""
_MOST_ITEMS = 4 * MOST_FILES
"""Directories and hidden files count here too."""
_NAME_CHARACTERS = 1000
_COMPRESSED: dict[bytes, Callable[[io.BytesIO], gzip.GzipFile | bz2.BZ2File]] = {
    b"\x1f\x8b": lambda data: gzip.GzipFile(fileobj=data),
    b"BZ": lambda data: bz2.BZ2File(data),
}
_FAULTS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


def read_archive(path: Path) -> dict[PurePosixPath, bytes]:
    """Return the files of a ``.tar``, ``.tar.gz``, ``.tgz``, ``.tar.bz2`` or ``.zip``, by their names below the page.

    The page is the ``index.html`` that is nearest to the top; what is not below its directory is left out. Raises
    ``Refused``.
    """
    try:
        files = _read_files(path)
    except OSError as error:
        # gzip and bz2 say so of bytes that they do not understand, without a number.
        raise Refused(f"{path}: {error.strerror or 'this is no archive that can be read'}") from error
    except _FAULTS as error:
        raise Refused(f"{path}: this is no archive that can be read: {error}") from error
    pages = sorted((name for name in files if name.name == INDEX), key=lambda name: (len(name.parts), name))
    if not pages:
        raise Refused(f"{path}: there is no {INDEX} in it: it must have the built files of a web client")
    top = pages[0].parent
    return {name.relative_to(top): body for name, body in files.items() if name.is_relative_to(top)}


def _read_files(path: Path) -> dict[PurePosixPath, bytes]:
    if path.stat().st_size > ARCHIVE_BYTES:
        raise Refused(f"{path}: it has more than {ARCHIVE_BYTES >> 20} MiB")
    data = read_plain(path)
    items = _unzip(path, data) if zipfile.is_zipfile(io.BytesIO(data)) else _untar(path, data)
    files: dict[PurePosixPath, bytes] = {}
    left = ALL_BYTES
    for text, body in items:
        name = _check_name(path, text)
        if any(part.startswith(".") for part in name.parts):
            continue
        left -= len(body)
        if len(body) > FILE_BYTES or left < 0 or len(files) >= MOST_FILES:
            raise Refused(
                f"{path}: too much: at most {MOST_FILES} files of {FILE_BYTES >> 20} MiB, and {ALL_BYTES >> 20} MiB "
                "together"
            )
        files[name] = body
    return files


def _untar(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    opener = _COMPRESSED.get(data[:2])
    if opener is not None:
        # Unpacked here and not by tarfile, which would take headers of any length.
        with opener(io.BytesIO(data)) as stream:
            data = stream.read(ARCHIVE_BYTES + 1)
        if len(data) > ARCHIVE_BYTES:
            raise Refused(f"{path}: unpacked, it has more than {ARCHIVE_BYTES >> 20} MiB")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for count, item in enumerate(archive):
            _check_count(path, count)
            if item.isdir():
                _check_name(path, item.name)
            elif not item.isreg() or item.issparse():
                raise Refused(f"{path}: {item.name!r} is no plain file or directory")
            else:
                found = archive.extractfile(item)
                assert found is not None
                yield item.name, found.read(FILE_BYTES + 1)


def _unzip(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for count, item in enumerate(archive.infolist()):
            _check_count(path, count)
            kind = stat.S_IFMT(item.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Refused(f"{path}: {item.filename!r} is no plain file or directory")
            if item.is_dir():
                _check_name(path, item.filename)
                continue
            with archive.open(item) as found:
                yield item.filename, found.read(FILE_BYTES + 1)


def _check_count(path: Path, count: int) -> None:
    if count >= _MOST_ITEMS:
        raise Refused(f"{path}: it has more than {_MOST_ITEMS} files and directories")


def _check_name(path: Path, text: str) -> PurePosixPath:
    """Return the name of a file, which leads to no other place than below the directory."""
    name = PurePosixPath(text)
    if (
        not text.isprintable()
        or len(text) > _NAME_CHARACTERS
        or "\\" in text
        or name.is_absolute()
        or ".." in name.parts
        or any(len(part.encode()) > 255 for part in name.parts)
    ):
        raise Refused(f"{path}: {text[:100]!r} is no name of a file below a directory")
    return name
