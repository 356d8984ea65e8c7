"""Reading settings: the file and other sources, one after the other, with all of their errors at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chatroom.errors import ConfigError
from chatroom.plain_file import read_plain
from chatroom.settings.keys import Key
from chatroom.settings.schema import Schema, did_you_mean


def read_document(path: Path) -> dict[str, object]:
    """Return what a TOML file says. Raises ``ConfigError`` if it cannot be read or is no TOML."""
    try:
        # utf-8-sig: editors on Windows begin a file with a byte order mark, which TOML does not know.
        return parse_document(read_plain(path).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_document(text: str) -> dict[str, object]:
    """Return what a text says in TOML. Raises ``ConfigError`` if it is none."""
    import tomllib  # here, because a program without a configuration file does not need it

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}") from error
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise ConfigError("not valid TOML: a number has too many digits") from None
    except RecursionError:
        raise ConfigError("not valid TOML: nested too deeply") from None


class Reading:
    """Collects values from one source after the other. Later values override earlier ones.

    ``path`` is the file that is read; None for none. For one thread.
    """

    def __init__(self, schema: Schema, path: Path | None) -> None:
        self.errors: list[str] = []
        """What is wrong, each as one sentence that names the source, the key and the allowed values."""
        self.key_sources: dict[str, str] = {}
        """The source of each key that has been set."""
        self.faulty: set[str] = set()
        """The sections with errors."""
        self.tables: dict[str, list[dict[str, Any]]] = {}
        """The values of each table of the repeated sections."""
        self.named: dict[str, dict[str, dict[str, Any]]] = {}
        """The values of each table of the sections whose tables have names."""
        self._schema = schema
        self._path = path
        self._values: dict[str, Any] = {}

    @contextmanager
    def noting(self, section: str) -> Iterator[None]:
        """Note the errors of one value or section, and go on with the next one."""
        try:
            yield
        except ConfigError as error:
            self.errors += error.errors
            self.faulty.add(section)

    def take_document(self, document: Mapping[str, object]) -> None:
        """Take the values of the file."""
        where = str(self._path)
        for section, body in document.items():
            with self.noting(section):
                self._take_section(section, body, where)

    def take_value(self, key: Key, value: object, where: str, *, from_text: bool) -> None:
        """Check one value and override the earlier one. ``where`` names its source."""
        with self.noting(key.section):
            self._values[key.path] = self._absolute(_read(key, key.path, value, where, from_text=from_text), where)
            self.key_sources[key.path] = where

    def values_of(self, section: str) -> dict[str, Any]:
        """Return the values that a section has got, by the names of its keys."""
        return {key.name: self._values[key.path] for key in self._schema.keys_in(section) if key.path in self._values}

    def _take_section(self, section: str, body: object, where: str) -> None:
        schema = self._schema
        if section in schema.refused:
            raise ConfigError(f"{where}: {section}: {schema.refused[section]}")
        if section not in schema.sections and not isinstance(body, dict | list):
            raise ConfigError(f"{where}: unknown key {section} outside a section{schema.hint_section(section)}")
        if section not in schema.sections:
            raise ConfigError(f"{where}: unknown section [{section}]{did_you_mean(section, schema.sections)}")
        if section in schema.repeated:
            self._take_repeated(section, body, where)
        elif not isinstance(body, dict):
            raise ConfigError(f"{where}: {section} must be a section: [{section}]")
        elif section in schema.named:
            self._take_named(section, body, where)
        else:
            for name, value in body.items():
                with self.noting(section):
                    self.take_value(self._known_key(section, name, where), value, where, from_text=False)

    def _take_repeated(self, section: str, body: object, where: str) -> None:
        if not isinstance(body, list) or not body or not all(isinstance(table, dict) for table in body):
            raise ConfigError(f"{where}: {section} must be one or more tables, each beginning with [[{section}]]")
        self.tables[section] = [self._take_table(section, section, table, where) for table in body]
        self.key_sources[section] = where

    def _take_named(self, section: str, body: dict[str, object], where: str) -> None:
        self.named[section] = {}
        for name, table in body.items():
            with self.noting(section):
                if not isinstance(table, dict):
                    raise ConfigError(f"{where}: {section}.{name} must be a section: [{section}.NAME]")
                self.named[section][name] = self._take_table(section, f"{section}.{name}", table, where)
        self.key_sources[section] = where

    def _take_table(self, section: str, shown: str, table: dict[str, object], where: str) -> dict[str, Any]:
        """Return the values of one of several tables; ``shown`` is its name in messages."""
        values: dict[str, Any] = {}
        for name, value in table.items():
            with self.noting(section):
                key = self._known_key(section, name, where, shown)
                values[name] = self._absolute(_read(key, f"{shown}.{name}", value, where, from_text=False), where)
        return values

    def _known_key(self, section: str, name: str, where: str, shown: str = "") -> Key:
        key = self._schema.find_key(f"{section}.{name}")
        if key is None:
            path = f"{shown or section}.{name}"
            if name in self._schema.refused:
                raise ConfigError(f"{where}: {path}: {self._schema.refused[name]}")
            known = [f"{shown or section}.{key.name}" for key in self._schema.keys_in(section)]
            raise ConfigError(f"{where}: unknown key {path}{did_you_mean(path, known)}")
        return key

    def _absolute(self, value: object, where: str) -> object:
        """Return a value with its relative paths made absolute."""
        # A relative path in the file starts at the file's directory, any other at the working directory.
        base = self._path.parent if self._path is not None and where == str(self._path) else Path()
        if isinstance(value, Path):
            return (base / value).absolute()
        if isinstance(value, tuple):
            return tuple(self._absolute(one, where) for one in value)
        return value


def _read(key: Key, shown: str, value: object, where: str, *, from_text: bool) -> object:
    try:
        return key.kind.read_text(str(value)) if from_text else key.kind.read(value)
    except ConfigError as error:
        raise ConfigError(f"{where}: {shown}: {error}") from None
    except ValueError:
        # An error can end up in a log, so it does not show a password.
        given = "" if key.secret else f", not {_shortened(value)}"
        raise ConfigError(f"{where}: {shown} must be {key.kind.allowed}{given}") from None


def _shortened(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "..."
