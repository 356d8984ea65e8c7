"""Find the configuration file, read it, and apply the environment and the flags.

Flags override the environment, which overrides the file, which overrides the defaults. A reload calls ``load`` with the
same flags and environment again, so they stay in effect.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatroom import paths
from chatroom.config.serving import Listen
from chatroom.config.settings import KEYS, SECTIONS, Key, Settings, find_key
from chatroom.errors import ConfigError

FILE_NAME = "chatroom.toml"
FLAG_NAMES = {"database.path": "--database", "listen.host": "--host", "listen.port": "--port"}
"""The command-line flag for each key that has one, for messages."""


def find_file(flag: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the configuration file to read, or None if there is none.

    It is the file named by ``flag``, else by ``CHATROOM_CONFIG``, else the first that exists: in the user's and in the
    system's directory. Raises ``ConfigError`` if the named file does not exist.
    """
    # Never the working directory: a command would change another database there, or follow settings of the directory's
    # owner.
    named = flag or (Path(environ["CHATROOM_CONFIG"]) if environ.get("CHATROOM_CONFIG") else None)
    if named is not None:
        named = paths.expand(named)
        if not named.exists():
            raise ConfigError(f"{named}: there is no such file ({'--config' if flag else 'CHATROOM_CONFIG'} names it)")
        return named
    for directory in paths.config_directories():
        candidate = directory / FILE_NAME
        if candidate.exists():
            return candidate
    return None


def load(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Settings:
    """Load all settings from the file at ``path`` (None means no file), the environment and the flags.

    ``overrides`` maps ``section.key`` to the value of a flag, as text or as TOML has it. A value of None is ignored.
    Raises ``ConfigError``, which has all errors. Each names the source, the key and the allowed values.
    """
    document = {} if path is None else _read_document(path)
    return check_document(document, path, environ, overrides)


def check_document(
    document: Mapping[str, object],
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Load all settings as ``load`` does, from a document that was already read from ``path``."""
    reading = _Reading(path)
    reading.take_document(document)
    reading.take_environment(environ)
    for name, value in (overrides or {}).items():
        key = find_key(name)
        assert key is not None, name  # the names are those of this program's own options
        if value is not None:
            # Click gives a Path for --database. As text it is read like any other value.
            value = str(value) if isinstance(value, Path) else value
            reading.take_value(key, value, FLAG_NAMES.get(name, name), from_text=isinstance(value, str))
    return reading.settings()


def _read_document(path: Path) -> dict[str, object]:
    import tomllib  # here, because a daemon without a configuration file does not need it

    try:
        # utf-8-sig: editors on Windows begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


class _Reading:
    """Collects values from one source after the other. Later values override earlier ones."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, Any] = {}
        self._tables: list[dict[str, Any]] | None = None
        self._key_sources: dict[str, str] = {}
        self._errors: list[str] = []
        self._faulty: set[str] = set()
        """The sections with errors."""

    @contextmanager
    def _noting(self, section: str) -> Iterator[None]:
        """Note the errors of one value or section, and go on with the next one."""
        try:
            yield
        except ConfigError as error:
            self._errors += error.errors
            self._faulty.add(section)

    def take_document(self, document: Mapping[str, object]) -> None:
        """Take the values of the file."""
        where = str(self._path)
        for section, body in document.items():
            with self._noting(section):
                self._take_section(section, body, where)

    def _take_section(self, section: str, body: object, where: str) -> None:
        if section not in SECTIONS and not isinstance(body, dict | list):
            raise ConfigError(f"{where}: unknown key {section} outside a section{place_of(section)}")
        if section not in SECTIONS:
            raise ConfigError(f"{where}: unknown section [{section}]{did_you_mean(section, SECTIONS)}")
        if section == "listen":
            self._take_listen(body, where)
        elif not isinstance(body, dict):
            raise ConfigError(f"{where}: {section} must be a section: [{section}]")
        else:
            for name, value in body.items():
                with self._noting(section):
                    self.take_value(_known_key(section, name, where), value, where, from_text=False)

    def _take_listen(self, body: object, where: str) -> None:
        if not isinstance(body, list) or not body or not all(isinstance(table, dict) for table in body):
            raise ConfigError(f"{where}: listen must be one or more tables, each beginning with [[listen]]")
        self._tables = []
        for table in body:
            values: dict[str, Any] = {}
            for name, value in table.items():
                with self._noting("listen"):
                    key = _known_key("listen", name, where)
                    values[name] = self._absolute(_read(key, value, where, from_text=False), where)
            self._tables.append(values)
        self._key_sources["listen"] = where

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """Take every ``CHATROOM_SECTION__KEY``. A variable that sets nothing is an error."""
        variables = {key.variable: key for key in KEYS}
        # Sorted, so that of several errors always the same one is reported.
        for variable in sorted(environ):
            if not variable.startswith("CHATROOM_") or "__" not in variable:
                continue
            key = variables.get(variable)
            # The variables for host and port replace the plain IRC listener, so nothing else of it can be set.
            if key is None or (key.section == "listen" and key.path not in FLAG_NAMES):
                self._errors.append(f"{variable}: there is no such setting{did_you_mean(variable, variables)}")
                continue
            self.take_value(key, environ[variable], variable, from_text=True)

    def take_value(self, key: Key, value: object, where: str, *, from_text: bool) -> None:
        """Check one value and override the earlier one. ``where`` names its source."""
        with self._noting(key.section):
            self._values[key.path] = self._absolute(_read(key, value, where, from_text=from_text), where)
            self._key_sources[key.path] = where

    def _absolute(self, value: object, where: str) -> object:
        """Return a value with its relative paths made absolute."""
        # A relative path in the file starts at the file's directory, any other at the working directory.
        base = self._path.parent if self._path is not None and where == str(self._path) else Path()
        if isinstance(value, Path):
            return (base / value).absolute()
        if isinstance(value, tuple):
            return tuple(self._absolute(one, where) for one in value)
        return value

    def settings(self) -> Settings:
        """Return the collected values, with the defaults for all others. Raises ``ConfigError`` with all errors."""
        parts: dict[str, Any] = {}
        for section, made_of in SECTIONS.items():
            given = {
                key.name: self._values[key.path] for key in KEYS if key.section == section if key.path in self._values
            }
            # Values that are missing because of an error could make two listeners equal.
            if section not in self._faulty:
                with self._noting(section):
                    parts[section] = self._listeners(given) if made_of is Listen else made_of(**given)
        if not self._errors:
            self._check_log_file(parts["log"].file, parts["database"].path)
        if self._errors:
            raise ConfigError(*self._errors)
        return Settings(**parts, source=self._path, key_sources=MappingProxyType(self._key_sources))

    def _check_log_file(self, log: Path | None, database: Path) -> None:
        """Note an error if the log would be written into the database, a file beside it, or the configuration."""
        if log is None:
            return
        others = paths.database_files(database)
        if self._path is not None:
            others.append(self._path.resolve())
        if log.resolve() in others:
            self._errors.append(f"{self._key_sources['log.file']}: log.file must be a file of its own, not {log}")

    def _listeners(self, given: dict[str, Any]) -> tuple[Listen, ...]:
        """Return the listeners: the tables of the file, or the default one.

        If a flag or the environment sets host or port, one listener with these replaces all plain ones, which speak IRC
        without TLS and without a proxy.
        """
        listeners = tuple(Listen(**table) for table in self._tables or [{}])
        if given:
            plain = next((one for one in listeners if one.is_plain), Listen())
            chosen = replace(plain, host=given.get("host", plain.host), port=given.get("port", plain.port))
            listeners = (chosen, *(one for one in listeners if not one.is_plain))
        seen = set()
        for one in listeners:
            fault = one.find_fault()
            if fault:
                raise ConfigError(f"{self._path}: [[listen]] with {one.host} port {one.port}: {fault}")
            # Port 0 takes any free port, so two listeners with it do not collide.
            if one.port and (one.host, one.port) in seen:
                raise ConfigError(f"{self._path}: two [[listen]] tables have {one.host} port {one.port}; remove one")
            seen.add((one.host, one.port))
        return listeners


def _known_key(section: str, name: str, where: str) -> Key:
    key = find_key(f"{section}.{name}")
    if key is None:
        known = [key.path for key in KEYS if key.section == section]
        raise ConfigError(f"{where}: unknown key {section}.{name}{did_you_mean(f'{section}.{name}', known)}")
    return key


def _read(key: Key, value: object, where: str, *, from_text: bool) -> object:
    try:
        return key.kind.read_text(str(value)) if from_text else key.kind.read(value)
    except ValueError:
        # An error can end up in a log, so it does not show a password.
        given = "" if key.secret else f", not {_shortened(value)}"
        raise ConfigError(f"{where}: {key.path} must be {key.kind.allowed}{given}") from None


def _shortened(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "..."


def place_of(name: str) -> str:
    """Return the hint for a key without its section."""
    found = [key.path for key in KEYS if key.name == name]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint for a misspelt word: ``; did you mean WORD?``, or nothing if no known word is like it."""
    import difflib  # here, because only errors need it

    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def find_unsafe(settings: Settings) -> list[str]:
    """Return a sentence for each setting that is valid and unsafe, with the way out."""
    exposure = find_exposure(settings)
    return [
        *(
            f"{one.host} port {one.port} is open to a network without TLS: passwords and messages can be read on the "
            'way; set tls = true there ("chatroomctl tls self-signed" makes a certificate), or listen on 127.0.0.1'
            for one in settings.listen
            if one.is_exposed
        ),
        *(
            [
                f"metrics.listen {settings.metrics.listen} is open to a network: anyone there can read how many people "
                "are online; listen on 127.0.0.1, and let a proxy with a password pass it on"
            ]
            if settings.metrics.is_exposed
            else []
        ),
        *([exposure] if exposure is not None else []),
    ]


def find_exposure(settings: Settings) -> str | None:
    """Return a warning if the configuration file has a password and every user of this machine may read it."""
    source = settings.source
    secrets = [key for key in KEYS if key.secret and key.value_in(settings)]
    exposed = [key.path for key in secrets if source is not None and settings.key_sources.get(key.path) == str(source)]
    # A group may read it: 0640 is how a system shares the file with the daemon's own group.
    if source is None or not exposed or not source.stat().st_mode & 0o004:
        return None
    named = shlex.quote(str(source))
    return f"{source}: every user of this machine can read {' and '.join(exposed)}; run: chmod o= {named}"
