"""Change one key of ``chatroom.toml``, keep its comments, and replace the file atomically.

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

from chatroom.config import Key
from chatroom.config.template import toml_value
from chatroom.errors import ConfigError, NotFound

Document = dict[str, Any]


def with_value(text: str, key: Key, value: object) -> str:
    """Return the file's text with ``key`` set to ``value``, a value that TOML can hold.

    A commented default is replaced; without one, the line is added below the section's header. Raises ``ConfigError``.
    """
    wanted = _parse(text)
    _table(wanted, key, make=True)[key.name] = value
    line = f"{key.name} = {toml_value(value)}"
    return _first_that_reads(wanted, _texts_with_value(text, key, value, line))


def without_value(text: str, key: Key) -> str:
    """Return the file's text with ``key`` at its default, which stays there as a comment.

    Raises ``NotFound`` if the file does not set the key, and ``ConfigError``.
    """
    wanted = _parse(text)
    table = _table(wanted, key, make=False)
    if key.name not in table:
        raise NotFound(f"{key.path} is not set in the file")
    del table[key.name]
    return _first_that_reads(wanted, _texts_without_value(text, key))


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


def _parse(text: str) -> Document:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}") from error


def _table(document: Document, key: Key, *, make: bool) -> Document:
    body = document.setdefault(key.section, [{}] if key.section == "listen" else {}) if make else {}
    body = document.get(key.section, body)
    if not isinstance(body, list):
        return body if isinstance(body, dict) else {}
    # With several [[listen]] tables we cannot know which one is meant.
    if len(body) != 1:
        raise ConfigError(f"{key.path}: the file has {len(body)} [[listen]] tables; edit it by hand")
    table: Document = body[0]
    return table


def _first_that_reads(wanted: Document, texts: Iterator[str]) -> str:
    for text in texts:
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(text) == wanted:
                return text
    raise ConfigError("chatroomctl cannot change a file with this layout; edit it by hand")


def _texts_with_value(text: str, key: Key, value: object, line: str) -> Iterator[str]:
    # First choice: the key is set already, and only its value changes.
    yield from _by_tomlkit(text, key, value, only_replace=True)
    lines = text.rstrip("\n").split("\n")
    header, end = _section(lines, key.section)
    # Then the commented default becomes the setting; the description above it stays beside it.
    commented = re.compile(rf"#\s*{re.escape(key.name)}\s*=")
    for number in range(header + 1, end):
        if commented.match(lines[number]):
            yield _joined([*lines[:number], line, *lines[number + 1 :]])
    # Without a commented default the line goes below the header, or tomlkit finds the place.
    if header >= 0:
        yield _joined([*lines[: header + 1], line, *lines[header + 1 :]])
    yield from _by_tomlkit(text, key, value, only_replace=False)
    # Last choice: a new section at the end of the file.
    name = f"[[{key.section}]]" if key.section == "listen" else f"[{key.section}]"
    yield _joined([*([*lines, ""] if text.strip() else []), name, line])


def _texts_without_value(text: str, key: Key) -> Iterator[str]:
    lines = text.rstrip("\n").split("\n")
    header, end = _section(lines, key.section)
    is_set = re.compile(rf"\s*{re.escape(key.name)}\s*=")
    for number in range(header + 1, end):
        if is_set.match(lines[number]):
            default = f"# {key.name} = {toml_value(key.default)}"
            yield _joined([*lines[:number], default, *lines[number + 1 :]])
    document = tomlkit.parse(text)
    table: Any = document[key.section]
    del (table[0] if isinstance(table, list) else table)[key.name]
    yield tomlkit.dumps(document)


def _by_tomlkit(text: str, key: Key, value: object, *, only_replace: bool) -> Iterator[str]:
    # tomlkit keeps the comment behind a value that it replaces. But it adds a new key at the end of the section, behind
    # the comments that introduce the next one, so adding is tried only after our own edits.
    document = tomlkit.parse(text)
    table: Any = document.get(key.section)
    if table is not None:
        table = table[0] if isinstance(table, list) else table
        if not only_replace or key.name in table:
            table[key.name] = value
            yield tomlkit.dumps(document)


def _section(lines: list[str], section: str) -> tuple[int, int]:
    """Return the line numbers of the section's header and of the next header; -1 and -1 if there is no such section."""
    header = re.compile(rf"\s*\[\[?\s*{re.escape(section)}\s*\]\]?\s*(#.*)?")
    start = next((number for number, line in enumerate(lines) if header.fullmatch(line)), -1)
    if start < 0:
        return -1, -1
    following = (number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("["))
    return start, next(following, len(lines))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
