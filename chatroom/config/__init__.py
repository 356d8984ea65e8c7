"""Settings: what can be set, what is valid, and where it is read from.

``settings`` has the keys with their types, defaults and words; ``values`` the kinds of value; ``load`` reads the file,
the environment and the flags. Nothing here is written to after it was made, so threads may share it freely.
"""

from chatroom.config.load import FLAG_NAMES, find_file, load
from chatroom.config.settings import KEYS, Key, Listen, Settings, changed_keys, find_key

__all__ = ["FLAG_NAMES", "KEYS", "Key", "Listen", "Settings", "changed_keys", "find_file", "find_key", "load"]
