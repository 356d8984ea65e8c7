"""All settings, and the keys they have.

A key is a field of the dataclass of its section, made by ``setting`` of ``chatroom.settings.keys``. ``KEYS`` lists all
keys in the order of the file. The docstrings of the sections and the descriptions of the keys are the text of
``chatroom.toml``. Durations are in seconds and end in ``_s``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatroom.config.chatting import Accounts, Channels, History, Limits
from chatroom.config.clustering import Cluster
from chatroom.config.observing import Hooks, Log, Metrics
from chatroom.config.serving import Backup, Database, Dnsbl, Listen, Server, WebIrc
from chatroom.settings.keys import MASK, Key
from chatroom.settings.schema import Schema


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Immutable: a reload makes a new object."""

    server: Server = field(default_factory=Server)
    listen: tuple[Listen, ...] = (Listen(),)
    database: Database = field(default_factory=Database)
    backup: Backup = field(default_factory=Backup)
    channels: Channels = field(default_factory=Channels)
    accounts: Accounts = field(default_factory=Accounts)
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    webirc: WebIrc = field(default_factory=WebIrc)
    dnsbl: Dnsbl = field(default_factory=Dnsbl)
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)
    hooks: Hooks = field(default_factory=Hooks)
    cluster: Cluster = field(default_factory=Cluster)
    source: Path | None = field(default=None, compare=False)
    """The file that was read, or None."""
    key_sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The source of each key that has been set: the file, an environment variable or a flag. Other keys are missing."""

    @property
    def backup_directory(self) -> Path:
        """Where scheduled backups are. Only for a database in a file."""
        return self.backup.directory or self.database.path.parent / "backups"


SECTIONS: dict[str, type[Any]] = {
    "server": Server,
    "listen": Listen,
    "database": Database,
    "backup": Backup,
    "channels": Channels,
    "accounts": Accounts,
    "limits": Limits,
    "history": History,
    "webirc": WebIrc,
    "dnsbl": Dnsbl,
    "log": Log,
    "metrics": Metrics,
    "hooks": Hooks,
    "cluster": Cluster,
}
SCHEMA = Schema(SECTIONS, repeated=["listen"])
KEYS = SCHEMA.keys
find_key = SCHEMA.find_key


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting with a new value. The values are as TOML has them, and a password is masked."""

    key: Key
    before: object
    after: object


def find_changes(old: Settings, new: Settings) -> list[SettingChange]:
    """Return what differs. For ``[[listen]]`` a value is the list of those in all tables, if there are several."""
    changes = []
    for key in changed_keys(old, new):
        before, after = ([MASK if key.secret and one else one for one in key.values_in(of)] for of in (old, new))
        is_single = len(before) == len(after) == 1
        changes.append(SettingChange(key, before[0], after[0]) if is_single else SettingChange(key, before, after))
    return changes


def settings_without_restart(old: Settings, new: Settings) -> Settings:
    """Return what a running daemon can use of new settings: those that need a restart keep their old values."""
    kept: dict[str, Any] = {}
    for section, made_of in SECTIONS.items():
        names = [key.name for key in KEYS if key.section == section and key.applies == "restart"]
        before, after = getattr(old, section), getattr(new, section)
        if made_of is Listen:  # each of its keys needs a restart
            kept[section] = before
        elif names:
            kept[section] = dataclasses.replace(after, **{name: getattr(before, name) for name in names})
    return dataclasses.replace(new, **kept)


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
