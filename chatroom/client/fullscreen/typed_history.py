"""What the user has typed before, for the arrow keys and for searching. Pure."""

from __future__ import annotations

MOST_KEPT = 1000
"""How many texts are kept."""


class TypedHistory:
    """Texts that were entered, oldest first. Walking through them keeps what was being typed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._at: int | None = None  # the index of the text that is shown; None for what is being typed
        self._draft = ""

    def add(self, text: str) -> None:
        """Keep a text that was entered, as the last one. A repetition moves it there."""
        self._at = None
        if not text.strip():
            return
        if text in self.texts:
            self.texts.remove(text)
        self.texts.append(text)
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
