"""All settings, and the keys they have.

A key is a field of the dataclass of its section, made by ``keys.setting``. ``KEYS`` lists all keys in the order of the
file. The docstrings of the sections and the descriptions of the keys are the text of ``chatroom.toml``. Durations are
in seconds and end in ``_s``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatroom.config.chatting import Accounts, Channels, History, Limits
from chatroom.config.keys import Applies
from chatroom.config.observing import Log, Metrics
from chatroom.config.serving import Database, Dnsbl, Listen, Server, WebIrc
from chatroom.config.values import Kind


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Immutable: a reload makes a new object."""

    server: Server = field(default_factory=Server)
    listen: tuple[Listen, ...] = (Listen(),)
    database: Database = field(default_factory=Database)
    channels: Channels = field(default_factory=Channels)
    accounts: Accounts = field(default_factory=Accounts)
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    webirc: WebIrc = field(default_factory=WebIrc)
    dnsbl: Dnsbl = field(default_factory=Dnsbl)
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)
    source: Path | None = field(default=None, compare=False)
    """The file that was read, or None."""
    key_sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The source of each key that has been set: the file, an environment variable or a flag. Other keys are missing."""


SECTIONS: dict[str, type[Any]] = {
    "server": Server,
    "listen": Listen,
    "database": Database,
    "channels": Channels,
    "accounts": Accounts,
    "limits": Limits,
    "history": History,
    "webirc": WebIrc,
    "dnsbl": Dnsbl,
    "log": Log,
    "metrics": Metrics,
}


@dataclass(frozen=True, slots=True)
class Key:
    """The description of one setting."""

    section: str
    name: str
    kind: Kind
    doc: str
    applies: Applies
    secret: bool
    default: object
    """The default as TOML has it."""

    @property
    def path(self) -> str:
        """The key with its section, as in ``limits.burst_lines``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets the key."""
        return f"CHATROOM_{self.section}__{self.name}".upper()

    def value_in(self, settings: Settings) -> object:
        """Return the key's value as TOML has it. For a key of ``[[listen]]`` it is that of the first table."""
        return self.values_in(settings)[0]

    def values_in(self, settings: Settings) -> list[object]:
        """Return the key's values as TOML has them: one, or for a key of ``[[listen]]`` that of each table."""
        section = getattr(settings, self.section)
        tables = section if isinstance(section, tuple) else (section,)
        return [self.kind.write(getattr(table, self.name)) for table in tables]


def _keys_of(section: str, made_of: type[Any]) -> list[Key]:
    keys = []
    for item in dataclasses.fields(made_of):
        meta = item.metadata
        # A path that depends on the home directory would make every template different.
        default = meta["kind"].write(item.default) if meta["shown"] is None else meta["shown"]
        keys.append(Key(section, item.name, meta["kind"], meta["doc"], meta["applies"], meta["secret"], default))
    return keys


KEYS: tuple[Key, ...] = tuple(key for section, made_of in SECTIONS.items() for key in _keys_of(section, made_of))
_KEYS_BY_PATH = {key.path: key for key in KEYS}


def find_key(path: str) -> Key | None:
    """Return the key ``section.name``, or None if there is none."""
    return _KEYS_BY_PATH.get(path)


def changed_keys(old: Settings, new: Settings) -> list[Key]:
    """Return the keys with different values. For ``[[listen]]`` the values in all tables are compared."""
    changed = []
    for key in KEYS:
        before, after = getattr(old, key.section), getattr(new, key.section)
        if isinstance(before, tuple):
            before, after = ([getattr(table, key.name) for table in tables] for tables in (before, after))
        else:
            before, after = getattr(before, key.name), getattr(after, key.name)
        if before != after:
            changed.append(key)
    return changed
