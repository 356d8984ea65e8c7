"""Settings: the keys, their valid values, and loading them.

``serving``, ``chatting``, ``observing`` and ``clustering`` have the sections: the keys with their types, defaults and
descriptions. ``settings`` puts them together. ``values`` has kinds of value that only a server needs,
``chatroom.settings`` has all else. ``load`` reads the file, the environment and the flags. Settings are immutable, so
threads share them freely.
"""

from chatroom.config.load import FLAG_NAMES, find_file, find_unsafe, load
from chatroom.config.serving import Listen
from chatroom.config.settings import (
    KEYS,
    SettingChange,
    Settings,
    changed_keys,
    find_changes,
    find_key,
    settings_without_restart,
)
from chatroom.settings.keys import MASK, Key

__all__ = [
    "FLAG_NAMES",
    "KEYS",
    "MASK",
    "Key",
    "Listen",
    "SettingChange",
    "Settings",
    "changed_keys",
    "find_changes",
    "find_file",
    "find_key",
    "find_unsafe",
    "load",
    "settings_without_restart",
]
