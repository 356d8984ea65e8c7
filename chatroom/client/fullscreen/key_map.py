"""The keys in force: those of the table, and what the settings change."""

from __future__ import annotations

from chatroom.client.key_table import Key, bindings, shown_key
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.settings.key_section import changed_keys


class KeyMap:
    """Knows which key does what. A change of the settings has its effect at once."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._made_for: object = None
        self._actions: dict[str, str] = {}

    def action_of(self, key: str) -> str:
        """Return the action of a key, which is written as Textual does; empty if it has none."""
        return self._bound.get(key, "")

    def shown(self, key: Key) -> str:
        """Return the keys of an action, as the user reads them."""
        return ", ".join(shown_key(one) for one, action in self._bound.items() if action == key.action) or "no key"

    def first(self, action: str) -> str:
        """Return the first key of an action, as the user reads it; empty if it has none."""
        return next((shown_key(key) for key, found in self._bound.items() if found == action), "")

    @property
    def _bound(self) -> dict[str, str]:
        current = self._settings.current
        if current is not self._made_for:
            self._made_for = current
            self._actions = bindings(changed_keys(current.keys, current.sources))
        return self._actions
