"""Changing one key of ``chatroom.toml`` as a careful person would: comments stay, nothing is ever half written."""

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
    """The file's text with ``key`` set to ``value``, which is as TOML can hold it.

    A default that stands there commented out is put into use; else the line is added below the section's header.
    """
    wanted = _parse(text)
    _table(wanted, key, make=True)[key.name] = value
    line = f"{key.name} = {toml_value(value)}"
    return _first_that_reads(wanted, _texts_with_value(text, key, value, line))


def without_value(text: str, key: Key) -> str:
    """The file's text with ``key`` left at its default, which stays there as a comment.

    Raises ``NotFound`` where the key is not set.
    """
    wanted = _parse(text)
    table = _table(wanted, key, make=False)
    if key.name not in table:
        raise NotFound(f"{key.path} is not set in the file")
    del table[key.name]
    return _first_that_reads(wanted, _texts_without_value(text, key))


def write_file(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Put ``text`` in the file's place at once: after a crash there is the old file or the new one.

    A link is followed; the mode and the owner of a file that was there are kept, ``mode`` is a new one's.
    """
    target = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        mode = target.stat().st_mode & 0o7777
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            with contextlib.suppress(FileNotFoundError, PermissionError):
                was = target.stat()
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
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
    """The table that holds the key. ``[[listen]]`` may be there more than once, and then we cannot know which."""
    body = document.setdefault(key.section, [{}] if key.section == "listen" else {}) if make else {}
    body = document.get(key.section, body)
    if not isinstance(body, list):
        return body if isinstance(body, dict) else {}
    if len(body) != 1:
        raise ConfigError(f"{key.path}: there are {len(body)} [[listen]] tables: edit the file")
    table: Document = body[0]
    return table


def _first_that_reads(wanted: Document, texts: Iterator[str]) -> str:
    """The first text that means exactly what is wanted; how it was made does not matter."""
    for text in texts:
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(text) == wanted:
                return text
    raise ConfigError("the file is laid out in a way that chatroomctl cannot change: edit it")


def _texts_with_value(text: str, key: Key, value: object, line: str) -> Iterator[str]:
    yield from _by_tomlkit(text, key, value, only_replace=True)
    lines = text.rstrip("\n").split("\n")
    header, end = _section(lines, key.section)
    commented = re.compile(rf"#\s*{re.escape(key.name)}\s*=")
    for number in range(header + 1, end):
        if commented.match(lines[number]):
            yield _joined([*lines[:number], line, *lines[number + 1 :]])
    if header >= 0:
        yield _joined([*lines[: header + 1], line, *lines[header + 1 :]])
    yield from _by_tomlkit(text, key, value, only_replace=False)
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
    """Leave it to tomlkit: it keeps a replaced value's comment, but adds a key after whatever follows the section."""
    document = tomlkit.parse(text)
    table: Any = document.get(key.section)
    if table is not None:
        table = table[0] if isinstance(table, list) else table
        if not only_replace or key.name in table:
            table[key.name] = value
            yield tomlkit.dumps(document)


def _section(lines: list[str], section: str) -> tuple[int, int]:
    """Where the section's header stands (-1: nowhere) and where the next one does."""
    header = re.compile(rf"\s*\[\[?\s*{re.escape(section)}\s*\]\]?\s*(#.*)?")
    start = next((number for number, line in enumerate(lines) if header.fullmatch(line)), -1)
    if start < 0:
        return -1, -1
    following = (number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("["))
    return start, next(following, len(lines))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
