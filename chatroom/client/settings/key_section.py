"""The section of the settings that changes the keys of the full screen: one setting for each action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from typing import Any

from chatroom.client.key_table import KEYS, parse_key, shown_key
from chatroom.settings.keys import setting
from chatroom.settings.kinds import Words

SECTION = "keys"
_ALLOWED = "a list of keys"


@dataclass(frozen=True, slots=True)
class KeyList(Words):
    """A list of different keys, as people write them."""

    def read(self, value: object) -> tuple[str, ...]:
        """Accept a TOML array of keys, in any usual spelling."""
        found = tuple(shown_key(parse_key(word)) for word in Words.read(self, value))
        if len(set(found)) != len(found):
            raise ValueError
        return found

    def read_text(self, text: str) -> tuple[str, ...]:
        """Accept keys separated by commas or spaces, or a TOML array. A name with a blank needs the array."""
        return Words.read_text(self, text.replace("Page ", "Page").replace("page ", "page"))


def setting_of(action: str) -> str:
    """Return the name of the setting that has the keys of an action."""
    return action.replace("-", "_")


Keys: type[Any] = make_dataclass(
    "Keys",
    [
        (
            setting_of(key.action),
            tuple,
            setting(tuple(map(shown_key, key.keys)), KeyList(_ALLOWED, bool), f"{key.help[:1].upper()}{key.help[1:]}."),
        )
        for key in KEYS
    ],
    frozen=True,
    slots=True,
)
Keys.__doc__ = """The keys of the full screen.

A key is written as ``Ctrl-K``, ``Alt-A``, ``F4`` or ``Page up``. What you set replaces the action's keys, and a key
that had another action is taken from that one. No keys: []. F1 shows the keys that are in force.
"""


def changed_keys(section: object, sources: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the keys of the actions that the user has set, as ``key_table.bindings`` wants them."""
    changed = {}
    for key in KEYS:
        name = setting_of(key.action)
        if f"{SECTION}.{name}" in sources:
            changed[key.action] = tuple(map(parse_key, getattr(section, name)))
    return changed


def fault_of(changed: Mapping[str, tuple[str, ...]]) -> str:
    """Return which key two actions share, as a sentence; empty if none."""
    count = Counter(key for keys in changed.values() for key in keys)
    for key, uses in count.items():
        if uses > 1:
            names = [f"{SECTION}.{setting_of(action)}" for action, keys in changed.items() if key in keys]
            return f"{' and '.join(names)} both have {shown_key(key)}"
    return ""
