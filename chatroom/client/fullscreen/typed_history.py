"""What the user has typed before, for the arrow keys and for searching. Pure."""

from __future__ import annotations

from typing import Protocol

from chatroom.client.remembering import may_hold_password

MOST_KEPT = 1000
"""How many texts are kept."""


class TypedMemory(Protocol):
    """Keeps texts beyond the end of the program: ``store.memory.Memory`` does."""

    def list_typed(self, most: int, /) -> list[str]:
        """Return the last texts, oldest first."""

    def add_typed(self, text: str, /) -> None:
        """Keep a text."""


class TypedHistory:
    """Texts that were entered, oldest first. Walking through them keeps what was being typed.

    ``memory`` has ``most`` texts of earlier chats; with 0, or without it, texts are kept for this chat only.
    """

    def __init__(self, memory: TypedMemory | None = None, most: int = 0) -> None:
        self._memory = memory if most > 0 else None
        self.texts: list[str] = self._memory.list_typed(most) if self._memory is not None else []
        self._at: int | None = None  # the index of the text that is shown; None for what is being typed
        self._draft = ""

    def add(self, text: str, place: str = "") -> None:
        """Keep a text that was entered in a place, as the last one. A repetition moves it there."""
        self._at = None
        if not text.strip():
            return
        if text in self.texts:
            self.texts.remove(text)
        self.texts.append(text)
        if self._memory is not None and not may_hold_password(text, place):
            self._memory.add_typed(text)
        del self.texts[:-MOST_KEPT]

    def older(self, current: str) -> str | None:
        """Return the text before the one that is shown, which is ``current``; None if there is none."""
        if self._at is None or self._at >= len(self.texts) or self.texts[self._at] != current:
            self._draft, self._at = current, len(self.texts)
        if self._at == 0:
            return None
        self._at -= 1
        return self.texts[self._at]

    def newer(self, current: str) -> str | None:
        """Return the text behind the one that is shown; None if that is what is being typed."""
        if self._at is None or self._at >= len(self.texts) or self.texts[self._at] != current:
            return None
        self._at += 1
        return self.texts[self._at] if self._at < len(self.texts) else self._draft

    def find(self, words: str) -> list[str]:
        """Return the texts that contain all these words, in any case, newest first, each once."""
        wanted = words.lower().split()
        return [text for text in reversed(self.texts) if all(word in text.lower() for word in wanted)]
