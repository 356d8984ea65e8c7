"""Tab takes the first completion, and each further Tab the next. Pure."""

from __future__ import annotations

from chatroom.client.completion import Candidate, ChatCompleter
from chatroom.client.fullscreen.line_editor import LineEditor

MOST_LISTED = 12
"""How many candidates are shown."""


class TabCycle:
    """Completes the word before the cursor of ``editor``."""

    def __init__(self, editor: LineEditor) -> None:
        self._editor = editor
        self._candidates: list[Candidate] = []
        self._before = ("", 0)  # what the first Tab found
        self._after = ("", 0)  # what the last Tab left
        self._at = 0

    def press(self, completer: ChatCompleter, step: int) -> str:
        """Take the next candidate, or with ``step`` -1 the one before. Returns the list of all the first time."""
        editor = self._editor
        listed = ""
        if not self._candidates or (editor.text, editor.cursor) != self._after:
            self._before = editor.text, editor.cursor
            self._candidates = list(completer.candidates(editor.text[: editor.cursor]))
            self._at = -1 if step > 0 else 0
            if len(self._candidates) > 1:
                names = [candidate.name for candidate in self._candidates]
                more = f"  … {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
                listed = "  ".join(names[:MOST_LISTED]) + more
        if not self._candidates:
            return ""
        self._at = (self._at + step) % len(self._candidates)
        candidate = self._candidates[self._at]
        text, cursor = self._before
        start = cursor - candidate.length
        editor.set(text[:start] + candidate.text + text[cursor:], start + len(candidate.text))
        self._after = editor.text, editor.cursor
        return listed
