"""How a section declares a key: a dataclass field with its kind, its description, and when a change of it applies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from chatroom.settings.kinds import Kind

Applies = Literal["reload", "restart"]
"""A change applies when the settings are read anew, or only when the program starts."""
MASK = "********"
"""What is shown instead of a password."""


def setting(
    default: Any, kind: Kind, doc: str, *, applies: Applies = "reload", secret: bool = False, shown: object = None
) -> Any:
    """Return a dataclass field for a setting.

    ``shown`` is the default to display if the real one depends on the machine.
    """
    meta = {"kind": kind, "doc": doc, "applies": applies, "secret": secret, "shown": shown}
    # A password must not be in the repr() of settings, which can end up in a traceback.
    if callable(default):
        return field(default_factory=default, metadata=meta)
    return field(default=default, repr=not secret, metadata=meta)


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
    repeated: bool = False
    """True if the section is an array of tables."""

    @property
    def path(self) -> str:
        """The key with its section, as in ``limits.burst_lines``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets a key of the server."""
        return f"CHATROOM_{self.section}__{self.name}".upper()

    def value_in(self, settings: object) -> object:
        """Return the key's value as TOML has it. For a key of ``[[listen]]`` it is that of the first table."""
        return self.values_in(settings)[0]

    def values_in(self, settings: object) -> list[object]:
        """Return the key's values as TOML has them: one, or of a section of several tables that of each table."""
        section = getattr(settings, self.section)
        if isinstance(section, Mapping):
            section = tuple(section.values())
        tables = section if isinstance(section, tuple) else (section,)
        return [self.kind.write(getattr(table, self.name)) for table in tables]


def keys_of(section: str, made_of: type[Any], *, repeated: bool) -> list[Key]:
    """Return the keys that a dataclass declares as the section of this name; ``repeated``: an array of tables."""
    keys = []
    for item in dataclasses.fields(made_of):
        meta = item.metadata
        # A path that depends on the home directory would make every template different.
        default = meta["kind"].write(item.default) if meta["shown"] is None else meta["shown"]
        told = meta["kind"], meta["doc"], meta["applies"], meta["secret"]
        keys.append(Key(section, item.name, *told, default, repeated))
    return keys
