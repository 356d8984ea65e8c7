"""The file of an archive: a ZIP file with one JSON Lines file for each section, and ``manifest.json`` at its end.

The manifest has the version of the format, and of each file the number of its lines and bytes and its SHA-256. It comes
last, because all of that is known only then; a ZIP file is read from its end, so it is found first. Nothing is ever
unpacked to the disk, and no more than some lines are in memory. ``docs/archive.md`` describes the format.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any, cast

from chatroom import __version__
from chatroom.chat.stored.archive_records import SECTIONS, ArchiveRecord, HighestIds, Section
from chatroom.ctl.archive_lines import format_record, reader_of
from chatroom.errors import InvalidValue

FORMAT = "chatroom archive"
VERSION = 1
"""The version of the format. It goes up with each change that an older chatroom would not understand."""
_MANIFEST = "manifest.json"
_MOST_MANIFEST = 1024 * 1024
_MOST_LINE = 16 * 1024 * 1024
"""The longest line, in bytes: far more than the account with the most read markers has."""
_BUFFER = 1 << 16
# What zipfile raises for bytes that are no ZIP file, were cut off or were changed.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
)


@dataclass(slots=True)
class _Sum:
    """What the manifest says of a file."""

    records: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes) -> None:
        self.records += 1
        self.size += len(line)
        self.digest.update(line)

    @property
    def document(self) -> dict[str, object]:
        return {"records": self.records, "bytes": self.size, "sha256": self.digest.hexdigest()}


def file_of(section: Section) -> str:
    """The name of a section's file in the archive."""
    return f"{section}.jsonl"


class ArchiveWriter:
    """Writes an archive: ``write`` for each section, then ``finish``. The stream need not be seekable.

    It is used in a ``with``, so that a failure leaves nothing open. What was written by then has no manifest.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)
        self._sums: dict[Section, _Sum] = {}

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with contextlib.suppress(OSError, ValueError):
                self._zip.close()

    def write(self, section: Section, records: Iterable[ArchiveRecord], on_written: Callable[[int], object]) -> None:
        """Write the records of a section. ``on_written`` is called with a number of records now and then."""
        total = self._sums[section] = _Sum()
        with self._open(file_of(section)) as out:
            last = 0
            for record in records:
                line = format_record(record).encode() + b"\n"
                total.add(line)
                out.write(line)
                if total.records % 1000 == 0:
                    on_written(total.records - last)
                    last = total.records
            on_written(total.records - last)

    def finish(self, highest: HighestIds, made_at: datetime) -> dict[Section, int]:
        """Write the manifest, and return the number of records in each section."""
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "chatroom": __version__,
            "made_at": made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "highest": highest._asdict(),
            "files": {file_of(section): total.document for section, total in self._sums.items()},
        }
        with self._open(_MANIFEST) as out:
            out.write(json.dumps(manifest, indent=2).encode() + b"\n")
        self._zip.close()
        return {section: total.records for section, total in self._sums.items()}

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        info = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16  # for who unpacks it
        # Its size is not known yet, and may be more than 4 GiB.
        with self._zip.open(info, "w", force_zip64=True) as raw:
            out = io.BufferedWriter(cast(io.RawIOBase, raw), _BUFFER)
            yield out
            out.flush()
            out.detach()


class ArchiveReader:
    """Reads an archive from a seekable stream. Raises ``InvalidValue`` if it is damaged, or of a newer format."""

    def __init__(self, stream: IO[bytes]) -> None:
        with _one_line():
            self._zip = zipfile.ZipFile(stream)
            manifest = self._read_manifest()
            self._files: dict[str, dict[str, Any]] = manifest["files"]
            self.highest = HighestIds(**{name: _natural(number) for name, number in manifest["highest"].items()})
            self.made_at = str(manifest["made_at"])
            # An older chatroom did not know all sections.
            self.counts: dict[Section, int] = {
                section: _natural(self._files.get(file_of(section), {"records": 0})["records"]) for section in SECTIONS
            }
            there = set(self._zip.namelist()) - {_MANIFEST}
            if there != set(self._files) or not there <= set(map(file_of, SECTIONS)):
                raise InvalidValue("damaged: it does not have the files that its manifest names")

    def _read_manifest(self) -> dict[str, Any]:
        if _MANIFEST not in self._zip.namelist():
            raise InvalidValue(f"not an archive of chatroom: it has no {_MANIFEST}")
        with self._zip.open(_MANIFEST) as file:
            manifest = json.loads(file.read(_MOST_MANIFEST))
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise InvalidValue("not an archive of chatroom")
        version = manifest.get("version")
        if type(version) is not int or version < 1:
            raise InvalidValue("damaged: its manifest has no version")
        if version > VERSION:
            program = manifest.get("chatroom")
            raise InvalidValue(
                f"made by a newer chatroom ({program if isinstance(program, str) else 'unknown'}): its format has the"
                f" version {version}, and this one knows {VERSION}"
            )
        return manifest

    def read(self, section: Section) -> Iterator[tuple[int, ArchiveRecord]]:
        """The records of a section, each with the number of its line. At the end, checks what the manifest says."""
        name, read_line, total = file_of(section), reader_of(section), _Sum()
        if name not in self._files:
            return
        with _one_line(), self._zip.open(name) as raw, io.BufferedReader(cast(io.RawIOBase, raw), _BUFFER) as file:
            while line := file.readline(_MOST_LINE):
                total.add(line)
                try:
                    record = read_line(line)
                except InvalidValue as error:
                    raise InvalidValue(f"{name}, line {total.records}: {error}") from None
                yield total.records, record
            if total.document != self._files[name]:
                raise InvalidValue(f"damaged: {name} is not what the manifest says of it")


def _natural(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("no natural number")
    return value


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """In the block, what Python raises for a damaged file is one clear line."""
    try:
        yield
    except InvalidValue:
        raise
    except zipfile.BadZipFile as error:
        text = "not a ZIP file" if "not a zip file" in str(error) else str(error)
        raise InvalidValue(f"damaged, or not an archive of chatroom: {text}") from None
    except (*_DAMAGE, TypeError, AttributeError) as error:
        raise InvalidValue(f"damaged: {type(error).__name__}: {error}") from None
