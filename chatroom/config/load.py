"""Find the configuration file, read it, and apply the environment and the flags.

Flags override the environment, which overrides the file, which overrides the defaults. A reload calls ``load`` with the
same flags and environment again, so they stay in effect.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatroom import paths
from chatroom.config.chatting import History
from chatroom.config.clustering import Cluster
from chatroom.config.serving import Database, Listen
from chatroom.config.settings import KEYS, SCHEMA, SECTIONS, Settings, find_key
from chatroom.config.values import is_loopback
from chatroom.database_address import ServerAddress
from chatroom.errors import ConfigError
from chatroom.findings import Finding
from chatroom.settings.reading import Reading, read_document
from chatroom.settings.schema import did_you_mean

FILE_NAME = "chatroom.toml"
FLAG_NAMES = {
    "database.path": "--database",
    "database.url": "--database",
    "listen.host": "--host",
    "listen.port": "--port",
}
"""The command-line flag for each key that has one, for messages."""
_FILE, _ENVIRONMENT, _FLAG = range(3)
"""The sources in the order in which they override each other."""


def find_file(flag: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the configuration file to read, or None if there is none.

    It is the file named by ``flag``, else by ``CHATROOM_CONFIG``, else the first that exists: in the user's and in the
    system's directory. Raises ``ConfigError`` if the named file does not exist.
    """
    # Never the working directory: a command would change another database there, or follow settings of the directory's
    # owner.
    path = flag or (Path(environ["CHATROOM_CONFIG"]) if environ.get("CHATROOM_CONFIG") else None)
    if path is not None:
        path = paths.expand(path)
        if not path.exists():
            raise ConfigError(f"{path}: there is no such file ({'--config' if flag else 'CHATROOM_CONFIG'} names it)")
        return path
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
    document = {} if path is None else read_document(path)
    return check_document(document, path, environ, overrides)


def check_document(
    document: Mapping[str, object],
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Load all settings as ``load`` does, from a document that was already read from ``path``."""
    reading = _ServerReading(path)
    reading.take_document(document)
    reading.take_environment(environ)
    for name, value in (overrides or {}).items():
        key = find_key(name)
        assert key is not None, name  # the names are those of this program's own options
        if value is not None:
            # --database gives a Path or an address. As text it is read like any other value.
            value = str(value) if isinstance(value, Path | ServerAddress) else value
            reading.take_value(key, value, FLAG_NAMES.get(name, name), from_text=isinstance(value, str))
    return reading.settings()


class _ServerReading(Reading):
    """The sources of a server's settings."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(SCHEMA, path)
        self._file = path

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
                self.errors.append(f"{variable}: there is no such setting{did_you_mean(variable, variables)}")
                continue
            self.take_value(key, environ[variable], variable, from_text=True)

    def settings(self) -> Settings:
        """Return the collected values, with the defaults for all others. Raises ``ConfigError`` with all errors."""
        parts: dict[str, Any] = {}
        for section, made_of in SECTIONS.items():
            given = self.values_of(section)
            # Values that are missing because of an error could make two listeners equal.
            if section not in self.faulty:
                with self.noting(section):
                    parts[section] = self._make(made_of, given)
        if not self.errors:
            self._check_log_file(parts["log"].file, parts["database"], parts["cluster"])
            parts["cluster"] = self._cluster(parts["cluster"], parts["database"], parts["history"])
        if self.errors:
            raise ConfigError(*self.errors)
        return Settings(**parts, source=self._file, key_sources=MappingProxyType(self.key_sources))

    def _make(self, made_of: type[Any], given: dict[str, Any]) -> Any:
        if made_of is Listen:
            return self._listeners(given)
        return self._database(given) if made_of is Database else made_of(**given)

    def _database(self, given: dict[str, Any]) -> Database:
        """Return the section. Of path and url, the one of the source that overrides the other stands."""
        if given.get("url") is None:
            # What is left is the password of a URL that --database or the environment has replaced.
            if "path" in given and self._rank("path") > self._rank("password_file"):
                given = self._without(given, "password_file")
            return self._checked(given)
        if "path" in given:
            path, url = self._rank("path"), self._rank("url")
            if path == url:
                source = self.key_sources["database.url"]
                raise ConfigError(f"{source}: database.path and database.url cannot both be set: remove one of them")
            if path > url:
                return self._checked(self._without(given, "url", "password_file"))
            given = self._without(given, "path")
        # A password goes to no other server than the one that it was set for.
        if self._rank("url") == _FLAG:
            given = self._without(given, "password_file")
        # The path stands for nothing, and a server needs no home directory.
        return self._checked({**given, "path": Path()})

    def _checked(self, given: dict[str, Any]) -> Database:
        database = Database(**given)
        fault = database.find_fault()
        if fault:
            raise ConfigError(f"{self.key_sources.get('database.password_file')}: {fault}")
        return database

    def _rank(self, name: str) -> int:
        """Return the rank of the source of a key of the database: a higher one overrides a lower one."""
        source = self.key_sources.get(f"database.{name}")
        return _FLAG if source in FLAG_NAMES.values() else _FILE if source in (None, str(self._file)) else _ENVIRONMENT

    def _without(self, given: dict[str, Any], *names: str) -> dict[str, Any]:
        for name in names:
            self.key_sources.pop(f"database.{name}", None)
        return {name: value for name, value in given.items() if name not in names}

    def _cluster(self, cluster: Cluster, database: Database, history: History) -> Cluster:
        """Return the section, or that of a lone daemon if ``--database`` names another database than the cluster's."""
        if cluster != Cluster() and _FLAG in (self._rank("path"), self._rank("url")):
            for key in [key for key in self.key_sources if key.startswith("cluster.")]:
                del self.key_sources[key]
            return Cluster()
        fault = cluster.find_fault()
        if not fault and cluster.redis is not None:
            fault = _find_lack(database, history)
        if fault:
            sources = [source for key, source in self.key_sources.items() if key.startswith("cluster.")]
            self.errors.append(f"{self.key_sources.get('cluster.redis', sources[0])}: {fault}")
        return cluster

    def _check_log_file(self, log: Path | None, database: Database, cluster: Cluster) -> None:
        """Note an error if the log would be written into the database, a file beside it, or the configuration."""
        if log is None:
            return
        taken = [] if database.url is not None else paths.database_files(database.path)
        for secret in (database.password_file, cluster.password_file):
            if secret is not None:
                taken.append(secret.resolve())
        if self._file is not None:
            taken.append(self._file.resolve())
        if log.resolve() in taken:
            self.errors.append(f"{self.key_sources['log.file']}: log.file must be a file of its own, not {log}")

    def _listeners(self, given: dict[str, Any]) -> tuple[Listen, ...]:
        """Return the listeners: the tables of the file, or the default one.

        If a flag or the environment sets host or port, one listener with these replaces all plain ones, which speak IRC
        without TLS and without a proxy.
        """
        listeners = tuple(Listen(**table) for table in self.tables.get("listen") or [{}])
        if given:
            plain = next((one for one in listeners if one.is_plain), Listen())
            chosen = replace(plain, host=given.get("host", plain.host), port=given.get("port", plain.port))
            listeners = (chosen, *(one for one in listeners if not one.is_plain))
        seen = set()
        for one in listeners:
            fault = one.find_fault()
            if fault:
                raise ConfigError(f"{self._file}: [[listen]] with {one.host} port {one.port}: {fault}")
            # Port 0 takes any free port, so two listeners with it do not collide.
            if one.port and (one.host, one.port) in seen:
                raise ConfigError(f"{self._file}: two [[listen]] tables have {one.host} port {one.port}; remove one")
            seen.add((one.host, one.port))
        return listeners


def find_unsafe(settings: Settings) -> list[Finding]:
    """Return the settings that are valid and unsafe."""
    exposure = find_exposure(settings)
    return [
        *(
            Finding(
                f"{one.host} port {one.port} is open to a network without TLS: passwords and messages can be read on "
                "the way",
                'set tls = true there ("chatroomctl tls self-signed" makes a certificate), or listen on 127.0.0.1',
            )
            for one in settings.listen
            if one.is_exposed
        ),
        *(
            [
                Finding(
                    f"metrics.listen {settings.metrics.listen} is open to a network: anyone there can read how many "
                    "people are online",
                    "listen on 127.0.0.1, and let a proxy with a password pass it on",
                )
            ]
            if settings.metrics.is_exposed
            else []
        ),
        *(
            [
                Finding(
                    f"hooks.listen {settings.hooks.listen} is open to a network without TLS: the tokens of incoming "
                    "hooks can be read on the way",
                    "listen on 127.0.0.1, and let a web server with TLS pass requests on",
                )
            ]
            if settings.hooks.is_exposed
            else []
        ),
        *_find_unencrypted(settings),
        *(
            [
                Finding(
                    "backup.every makes no backups: the database is on a server",
                    "have pg_dump run there, and set backup.every to nothing",
                )
            ]
            if settings.database.url is not None and settings.backup.every
            else []
        ),
        *([exposure] if exposure is not None else []),
        *_find_readable_password(settings.database.password_file, "the database"),
        *_find_readable_password(settings.cluster.password_file, "Redis"),
    ]


def _find_unencrypted(settings: Settings) -> list[Finding]:
    """Return the servers of others that the daemon may talk to over a network without TLS."""
    found = []
    if settings.database.url is not None and _is_exposed(settings.database.url):
        found.append(
            Finding(
                f"database.url {settings.database.url}: messages and passwords may cross a network without TLS",
                "add sslmode=verify-full to the URL, or use a socket of this machine",
            )
        )
    if settings.cluster.redis is not None and settings.cluster.redis.is_exposed:
        found.append(
            Finding(
                f"cluster.redis {settings.cluster.redis}: messages and a password may cross a network without TLS",
                "set a rediss:// URL, or keep Redis and its nodes in a network of their own",
            )
        )
    return found


def _is_exposed(address: ServerAddress) -> bool:
    """True if what is stored may cross a network in the clear."""
    hosts = [host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host for host in address.hosts]
    is_near = all(not host or host.startswith(("/", "@")) or is_loopback(host.strip("[]")) for host in hosts)
    return not is_near and not address.is_encrypted


def find_exposure(settings: Settings) -> Finding | None:
    """Return a finding if the configuration file has a password and every user of this machine may read it."""
    source = settings.source
    secrets = [key for key in KEYS if key.secret and key.value_in(settings)]
    paths_of = [key.path for key in secrets]
    if settings.database.url is not None and settings.database.url.password is not None:
        paths_of.append("database.url")
    if settings.cluster.redis is not None and settings.cluster.redis.password is not None:
        paths_of.append("cluster.redis")
    exposed = [path for path in paths_of if source is not None and settings.key_sources.get(path) == str(source)]
    # A group may read it: 0640 is how a system shares the file with the daemon's own group.
    if source is None or not exposed or not source.stat().st_mode & 0o004:
        return None
    return Finding(
        f"{source}: every user of this machine can read {' and '.join(exposed)}",
        f"run: chmod o= {shlex.quote(str(source))}",
    )


def _find_readable_password(file: Path | None, of: str) -> list[Finding]:
    try:
        is_readable = file is not None and file.stat().st_mode & 0o007
    except OSError:  # what is wrong with it, connecting tells
        return []
    if not is_readable:
        return []
    return [
        Finding(
            f"{file}: every user of this machine can read the password of {of}",
            f"run: chmod o= {shlex.quote(str(file))}",
        )
    ]


def _find_lack(database: Database, history: History) -> str:
    """What a node of a cluster lacks; empty if it lacks nothing."""
    if database.url is None:
        return "cluster.redis needs database.url: the nodes of a cluster share a database on a PostgreSQL server"
    if not history.enabled:
        return "cluster.redis needs history.enabled: what a node that died had still to tell is found in the history"
    return ""
