"""The settings during one chat: as they were at the start, and as ``/set`` changes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.client.chat_events import Event
    from chatroom.client.settings.client_sections import ClientSettings


class ChatSettings:
    """Has the settings of a chat. For the thread of the front end.

    ``file`` is read at the start, if there is one; ``/set`` writes to ``path``. None: there is no such file. Without a
    file the sections are loaded only when somebody asks for ``current``.
    """

    def __init__(self, path: Path | None = None, file: Path | None = None) -> None:
        self._path = path
        self._file = file
        self._current: ClientSettings | None = None

    @property
    def current(self) -> ClientSettings:
        """The settings in force. Raises ``ConfigError`` at the first call if the file has errors."""
        if self._current is None:
            from chatroom.client.settings.client_file import load

            self._current = load(self._file)
        return self._current

    @property
    def found(self) -> ClientSettings | None:
        """The settings in force; None if all have their defaults, and nobody has asked for them yet."""
        return None if self._current is None and self._file is None else self.current

    @property
    def ignored(self) -> tuple[str, ...]:
        """The nicks that the user never reads."""
        found = self.found
        return () if found is None else found.people.ignored

    @property
    def key_paths(self) -> list[str]:
        """The paths of all keys, with those of the saved servers."""
        from chatroom.client.settings.set_command import list_paths

        return list_paths(self.current)

    def configure(self, words: str, *, reset: bool) -> list[Event]:
        """Carry out ``/set``, or with ``reset`` ``/unset``. Returns what to show."""
        from chatroom.client.settings.set_command import carry_out

        shown, self._current = carry_out(words, self.current, self._path, reset=reset)
        return [shown]
