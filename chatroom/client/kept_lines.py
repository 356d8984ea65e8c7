"""The typed lines that the arrow up finds again, in this chat and in later ones."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.history import InMemoryHistory

from chatroom.client.remembering import may_hold_password
from chatroom.client.store.memory import Memory


class KeptLines(InMemoryHistory):
    """Begins with the lines that ``memory`` has, and remembers the new ones: ``most`` lines, 0 for none.

    ``place`` returns the name of the place in front.
    """

    def __init__(self, memory: Memory, most: int, place: Callable[[], str]) -> None:
        super().__init__(memory.list_typed(most))
        self._memory = memory
        self._is_kept = most > 0
        self._place = place

    def store_string(self, string: str) -> None:
        """Keep a line that was just typed."""
        super().store_string(string)
        if self._is_kept and not may_hold_password(string, self._place()):
            self._memory.add_typed(string)
