"""Change one key of a file of settings, keep its comments, and replace the file atomically.

There are several ways to edit the text, from the nicest to the most robust. ``_first_that_reads`` tries them in turn
and takes the first result that TOML reads as the wanted document. So a text edit that goes wrong in an unusual file,
for instance inside a multi-line string, is never written.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit

from chatroom.errors import ConfigError, NotFound
from chatroom.settings.file_template import toml_value
from chatroom.settings.keys import Key
from chatroom.settings.reading import parse_document

Document = dict[str, Any]
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def with_value(text: str, key: Key, value: object, *, table: str = "") -> str:
    """Return the file's text with ``key`` set to ``value``, a value that TOML can hold.

    A commented default is replaced; without one, the line is added below the section's header. ``table`` is the name
    of the table if the section has one for each name. Raises ``ConfigError``.
    """
    return _Edit(key, table).with_value(text, value)


def without_value(text: str, key: Key, *, table: str = "") -> str:
    """Return the file's text with ``key`` at its default, which stays there as a comment.

    Raises ``NotFound`` if the file does not set the key, and ``ConfigError``.
    """
    return _Edit(key, table).without_value(text)


def write_file(path: Path, text: str) -> None:
    """Replace the file with ``text`` atomically: after a crash there is the old file or the new one.

    A symbolic link is followed. An existing file keeps its mode and, if we may set it, its owner; only
    this user may read a new one.
    """
    # os.replace() would replace the link itself.
    target = Path(os.path.realpath(path))
    mode = 0o600
    with contextlib.suppress(FileNotFoundError):
        mode = target.stat().st_mode & 0o7777
    # In the same directory, because os.replace() is atomic only inside one file system.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        # newline="" writes line ends unchanged, so a file with CRLF keeps them.
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            # Only root can give a file to another user. If we cannot, the new file is ours.
            with contextlib.suppress(FileNotFoundError, PermissionError):
                was = target.stat()
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C must not leave the temporary file either
        os.unlink(temporary)
        raise
    # The new name is in the directory, which must reach the disk as well.
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _first_that_reads(wanted: Document, texts: Iterator[str]) -> str:
    for text in texts:
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(text) == wanted:
                return text
    raise ConfigError("a file with this layout cannot be changed here; edit it by hand")


class _Edit:
    """The ways to change one key in the text of a file."""

    def __init__(self, key: Key, table: str) -> None:
        self._key = key
        self._tables = [key.section, table] if table else [key.section]
        # As TOML writes it, so that a name with a dot in it stays one name.
        self._header = ".".join(name if _BARE.fullmatch(name) else toml_value(name) for name in self._tables)

    def with_value(self, text: str, value: object) -> str:
        """See the function of this name."""
        wanted = parse_document(text)
        table = self._table(wanted, make=True)
        is_set = self._key.name in table
        table[self._key.name] = value
        return _first_that_reads(wanted, self._texts_with_value(text, value, is_set))

    def without_value(self, text: str) -> str:
        """See the function of this name."""
        wanted = parse_document(text)
        table = self._table(wanted, make=False)
        if self._key.name not in table:
            raise NotFound(f"{'.'.join([*self._tables, self._key.name])} is not set in the file")
        del table[self._key.name]
        return _first_that_reads(wanted, self._texts_without_value(text))

    def _table(self, document: Document, *, make: bool) -> Document:
        body: Any = document
        for name in self._tables:
            body = body.setdefault(name, [{}] if self._key.repeated else {}) if make else body.get(name, {})
            if not isinstance(body, dict | list):
                return {}
        if not isinstance(body, list):
            return body if isinstance(body, dict) else {}
        # With several tables we cannot know which one is meant.
        if len(body) != 1:
            where = f"[[{self._key.section}]]"
            raise ConfigError(f"{self._key.path}: the file has {len(body)} {where} tables; edit it by hand")
        table: Document = body[0]
        return table

    def _texts_with_value(self, text: str, value: object, is_set: bool) -> Iterator[str]:
        # First choice: the key is set already, and only its value changes.
        if is_set:
            yield from self._by_tomlkit(text, value)
        line = f"{self._key.name} = {toml_value(value)}"
        lines = text.rstrip("\n").split("\n")
        header, end = self._section(lines)
        # Then the commented default becomes the setting; the description above it stays beside it.
        commented = re.compile(rf"#\s*{re.escape(self._key.name)}\s*=")
        for number in range(header + 1, end):
            if commented.match(lines[number]):
                yield _joined([*lines[:number], line, *lines[number + 1 :]])
        # Without a commented default the line goes below the header, or tomlkit finds the place.
        if header >= 0:
            yield _joined([*lines[: header + 1], line, *lines[header + 1 :]])
        yield from self._by_tomlkit(text, value)
        # Last choice: a new section at the end of the file.
        name = f"[[{self._header}]]" if self._key.repeated else f"[{self._header}]"
        yield _joined([*([*lines, ""] if text.strip() else []), name, line])

    def _texts_without_value(self, text: str) -> Iterator[str]:
        lines = text.rstrip("\n").split("\n")
        header, end = self._section(lines)
        is_set = re.compile(rf"\s*{re.escape(self._key.name)}\s*=")
        for number in range(header + 1, end):
            if is_set.match(lines[number]):
                default = f"# {self._key.name} = {toml_value(self._key.default)}"
                yield _joined([*lines[:number], default, *lines[number + 1 :]])
        document = tomlkit.parse(text)
        table = self._tomlkit_table(document)
        del table[self._key.name]
        yield tomlkit.dumps(document)

    def _by_tomlkit(self, text: str, value: object) -> Iterator[str]:
        # tomlkit keeps the comment behind a value that it replaces. But it adds a new key at the end of the section,
        # behind the comments that introduce the next one, so adding is tried only after our own edits. It reads a long
        # file slowly.
        document = tomlkit.parse(text)
        table = self._tomlkit_table(document)
        if table is not None:
            table[self._key.name] = value
            yield tomlkit.dumps(document)

    def _tomlkit_table(self, document: tomlkit.TOMLDocument) -> Any:
        table: Any = document
        for name in self._tables:
            table = table.get(name)
            if table is None:
                return None
        return table[0] if isinstance(table, list) else table

    def _section(self, lines: list[str]) -> tuple[int, int]:
        """Return the line numbers of the section's header and of the next one; -1 and -1 if there is no section."""
        header = re.compile(rf"\s*\[\[?\s*{re.escape(self._header)}\s*\]\]?\s*(#.*)?")
        start = next((number for number, line in enumerate(lines) if header.fullmatch(line)), -1)
        if start < 0:
            return -1, -1
        following = (number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("["))
        return start, next(following, len(lines))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
