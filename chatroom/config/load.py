"""Finding the settings' file, reading it, and laying the environment and the flags over it.

A flag beats the environment, which beats the file, which beats the default. ``load`` is called again with the same
arguments at a reload, so flags and environment outlive it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatroom import paths
from chatroom.config.settings import KEYS, SECTIONS, Key, Listen, Settings, find_key
from chatroom.errors import ConfigError

FILE_NAME = "chatroom.toml"
FLAG_NAMES = {"database.path": "--database", "listen.host": "--host", "listen.port": "--port"}
"""The flags that set a key, for messages that name them."""


def find_file(flag: Path | None, environ: Mapping[str, str], directory: Path) -> Path | None:
    """The file to read: the flag's, ``CHATROOM_CONFIG``'s, ``directory``'s, the user's, the system's, or none.

    Raises ``ConfigError`` where the file that was named is not there.
    """
    named = flag or (Path(environ["CHATROOM_CONFIG"]) if environ.get("CHATROOM_CONFIG") else None)
    if named is not None:
        named = named.expanduser()
        if not named.exists():
            raise ConfigError(f"{named}: there is no such file ({'--config' if flag else 'CHATROOM_CONFIG'} names it)")
        return named
    for place in (directory, *paths.config_directories()):
        candidate = place / FILE_NAME
        if candidate.exists():
            return candidate
    return None


def load(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Settings:
    """All settings, from the file at ``path`` (``None``: no file), the environment and the flags.

    ``overrides`` maps ``section.key`` to what a flag gave, as text or as TOML would give it; keys whose value is None
    were not given. Raises ``ConfigError``, which names the place, the key and what is allowed.
    """
    document = {} if path is None else _read_document(path)
    return check_document(document, path, environ, overrides)


def check_document(
    document: Mapping[str, object],
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """As ``load``, for what was already read from ``path``."""
    reading = _Reading(path)
    reading.take_document(document)
    reading.take_environment(environ)
    for name, value in (overrides or {}).items():
        key = find_key(name)
        if key is None:
            raise ConfigError(f"there is no setting {name}")
        if value is not None:
            value = str(value) if isinstance(value, Path) else value
            reading.take_value(key, value, FLAG_NAMES.get(name, name), from_text=isinstance(value, str))
    return reading.settings()


def _read_document(path: Path) -> dict[str, object]:
    import tomllib

    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


class _Reading:
    """Values gathered from one place after the other; later ones win."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, Any] = {}
        self._tables: list[dict[str, Any]] | None = None
        self._key_sources: dict[str, str] = {}

    def take_document(self, document: Mapping[str, object]) -> None:
        """Take what stands in the file, and refuse what does not belong there."""
        where = str(self._path)
        for section, body in document.items():
            if section not in SECTIONS and not isinstance(body, dict | list):
                raise ConfigError(f"{where}: unknown key {section} outside a section")
            if section not in SECTIONS:
                raise ConfigError(f"{where}: unknown section [{section}]{_did_you_mean(section, SECTIONS)}")
            if section == "listen":
                self._take_listen(body, where)
            elif not isinstance(body, dict):
                raise ConfigError(f"{where}: {section} must be a section: [{section}]")
            else:
                for name, value in body.items():
                    self.take_value(_known_key(section, name, where), value, where, from_text=False)

    def _take_listen(self, body: object, where: str) -> None:
        if not isinstance(body, list) or not body or not all(isinstance(table, dict) for table in body):
            raise ConfigError(f"{where}: listen must be one or more tables, each beginning with [[listen]]")
        self._tables = [
            {
                name: _read(_known_key("listen", name, where), value, where, from_text=False)
                for name, value in table.items()
            }
            for table in body
        ]
        self._key_sources["listen"] = where

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """Take every ``CHATROOM_SECTION__KEY``, and refuse one that sets nothing."""
        variables = {key.variable: key for key in KEYS}
        for variable in sorted(environ):
            if not variable.startswith("CHATROOM_") or "__" not in variable:
                continue
            key = variables.get(variable)
            if key is None or key.path == "listen.kind":
                raise ConfigError(f"{variable}: there is no such setting{_did_you_mean(variable, variables)}")
            self.take_value(key, environ[variable], variable, from_text=True)

    def take_value(self, key: Key, value: object, where: str, *, from_text: bool) -> None:
        """Check one value and let it replace what an earlier place said."""
        checked = _read(key, value, where, from_text=from_text)
        if isinstance(checked, Path):
            # A file's relative paths start at the file, everybody else's where we were started.
            base = self._path.parent if self._path is not None and where == str(self._path) else Path()
            checked = (base / checked).absolute()
        self._values[key.path] = checked
        self._key_sources[key.path] = where

    def settings(self) -> Settings:
        """Everything gathered, over the defaults."""
        parts: dict[str, Any] = {}
        for section, made_of in SECTIONS.items():
            given = {
                key.name: self._values[key.path] for key in KEYS if key.section == section if key.path in self._values
            }
            parts[section] = self._listeners(given) if made_of is Listen else made_of(**given)
        return Settings(**parts, source=self._path, key_sources=MappingProxyType(self._key_sources))

    def _listeners(self, given: dict[str, Any]) -> tuple[Listen, ...]:
        """The file's tables, the plain irc ones replaced by one where a flag or the environment names host or port."""
        listeners = tuple(Listen(**table) for table in self._tables or [{}])
        if given:
            plain = next((one for one in listeners if one.kind == "irc"), Listen())
            chosen = Listen("irc", given.get("host", plain.host), given.get("port", plain.port))
            listeners = (chosen, *(one for one in listeners if one.kind != "irc"))
        seen = set()
        for one in listeners:
            if one.port and (one.host, one.port) in seen:
                raise ConfigError(f"{self._path}: listen has {one.host} port {one.port} twice")
            seen.add((one.host, one.port))
        return listeners


def _known_key(section: str, name: str, where: str) -> Key:
    key = find_key(f"{section}.{name}")
    if key is None:
        known = [key.path for key in KEYS if key.section == section]
        raise ConfigError(f"{where}: unknown key {section}.{name}{_did_you_mean(f'{section}.{name}', known)}")
    return key


def _read(key: Key, value: object, where: str, *, from_text: bool) -> object:
    try:
        return key.kind.read_text(str(value)) if from_text else key.kind.read(value)
    except ValueError:
        given = "" if key.secret else f", not {_shortened(value)}"
        raise ConfigError(f"{where}: {key.path} must be {key.kind.allowed}{given}") from None


def _shortened(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "..."


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
