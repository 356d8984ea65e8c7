"""The text that the user types, and what the keys of a shell (readline) do to it. Pure: no widget."""

from __future__ import annotations

import re

from chatroom.client.fullscreen.cells import columns_of

_MOST_UNDONE = 100
"""How many changes can be undone."""
_MOST_KILLED = 20
"""How many killed texts can be yanked."""

_WORD_BEFORE = re.compile(r"\w+\W*$")
_WORD_AFTER = re.compile(r"\W*\w+")
_BLANK_WORD_BEFORE = re.compile(r"\S*\s*$")


class LineEditor:
    """A text of one or more lines, and the cursor in it."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        """The index of the character under the cursor; the length of the text at its end."""
        self._killed: list[str] = []
        self._is_killing = False  # the last change killed: the next one belongs to the same text
        self._yanked: tuple[int, int] | None = None  # which of ``_killed``, back from the end, and where it begins
        self._undo: list[tuple[str, int]] = []
        self._typed_at = -1  # where the next typed character continues the change of the one before

    def set(self, text: str, cursor: int | None = None) -> None:
        """Replace the whole text. The cursor goes to its end, or to ``cursor``."""
        self._change(text, len(text) if cursor is None else cursor)

    def clear(self) -> str:
        """Return the text, and forget it with what could be undone."""
        text, self.text, self.cursor = self.text, "", 0
        self._undo.clear()
        self._settle()
        return text

    def insert(self, text: str) -> None:
        """Insert a text before the cursor."""
        begin = self.cursor
        continues = len(text) == 1 and text != " " and begin == self._typed_at
        self._change(self.text[:begin] + text + self.text[begin:], begin + len(text), keeps_undo=not continues)
        self._typed_at = self.cursor if len(text) == 1 else -1

    def undo(self) -> None:
        """Take back the last change."""
        if self._undo:
            self.text, self.cursor = self._undo.pop()
            self._settle()

    # The cursor

    def left(self) -> None:
        """Go back by one character."""
        self._go(_before(self.text, self.cursor))

    def right(self) -> None:
        """Go on by one character."""
        self._go(_after(self.text, self.cursor))

    def word_left(self) -> None:
        """Go to the begin of the word before the cursor."""
        self._go(self._word_start)

    def word_right(self) -> None:
        """Go behind the next word."""
        self._go(self._word_end)

    def home(self) -> None:
        """Go to the begin of the line."""
        self._go(self.line_start)

    def end(self) -> None:
        """Go to the end of the line."""
        self._go(self.line_end)

    def up(self) -> bool:
        """Go to the line above; False if there is none."""
        if self.line_start == 0:
            return False
        column, above = self.cursor - self.line_start, self.line_start - 1
        begin = self.text.rfind("\n", 0, above) + 1
        self._go(min(begin + column, above))
        return True

    def down(self) -> bool:
        """Go to the line below; False if there is none."""
        if self.line_end == len(self.text):
            return False
        column, begin = self.cursor - self.line_start, self.line_end + 1
        end = self.text.find("\n", begin)
        self._go(min(begin + column, len(self.text) if end < 0 else end))
        return True

    @property
    def line_start(self) -> int:
        """Where the line with the cursor begins."""
        return self.text.rfind("\n", 0, self.cursor) + 1

    @property
    def line_end(self) -> int:
        """Where the line with the cursor ends."""
        end = self.text.find("\n", self.cursor)
        return len(self.text) if end < 0 else end

    # Deleting

    def backspace(self) -> None:
        """Delete the character before the cursor."""
        self._delete(_before(self.text, self.cursor), self.cursor)

    def delete(self) -> None:
        """Delete the character under the cursor."""
        self._delete(self.cursor, _after(self.text, self.cursor))

    def kill_to_end(self) -> None:
        """Kill up to the end of the line; at the end, the line break."""
        end = self.line_end if self.line_end > self.cursor else min(self.cursor + 1, len(self.text))
        self._kill(self.cursor, end)

    def kill_to_start(self) -> None:
        """Kill from the begin of the line."""
        self._kill(self.line_start, self.cursor)

    def kill_blank_word(self) -> None:
        """Kill back to the last blank."""
        found = _BLANK_WORD_BEFORE.search(self.text, 0, self.cursor)
        self._kill(found.start() if found else self.cursor, self.cursor)

    def kill_word_before(self) -> None:
        """Kill the word before the cursor."""
        self._kill(self._word_start, self.cursor)

    def kill_word_after(self) -> None:
        """Kill the word behind the cursor."""
        self._kill(self.cursor, self._word_end)

    def yank(self) -> None:
        """Insert the text that was killed last."""
        if self._killed:
            begin = self.cursor
            self.insert(self._killed[-1])
            self._yanked = (1, begin)

    def yank_older(self) -> None:
        """Replace a text that was just yanked by the one that was killed before it."""
        if self._yanked is None:
            return
        back, begin = self._yanked
        back = back % len(self._killed) + 1
        text = self._killed[-back]
        self._change(self.text[:begin] + text + self.text[self.cursor :], begin + len(text))
        self._yanked = (back, begin)

    def transpose(self) -> None:
        """Exchange the two characters around the cursor."""
        at = min(self.cursor, len(self.text) - 1) if self.cursor == len(self.text) else self.cursor
        if at < 1:
            return
        swapped = self.text[: at - 1] + self.text[at] + self.text[at - 1] + self.text[at + 1 :]
        self._change(swapped, at + 1)

    # Inside

    @property
    def _word_start(self) -> int:
        found = _WORD_BEFORE.search(self.text, 0, self.cursor)
        return found.start() if found else 0

    @property
    def _word_end(self) -> int:
        found = _WORD_AFTER.match(self.text, self.cursor)
        return found.end() if found else len(self.text)

    def _go(self, cursor: int) -> None:
        self.cursor = cursor
        self._settle()

    def _settle(self) -> None:
        self._is_killing, self._yanked, self._typed_at = False, None, -1

    def _change(self, text: str, cursor: int, *, keeps_undo: bool = True) -> None:
        if keeps_undo and text != self.text:
            self._undo.append((self.text, self.cursor))
            del self._undo[:-_MOST_UNDONE]
        self.text, self.cursor = text, min(cursor, len(text))
        self._settle()

    def _delete(self, start: int, end: int) -> None:
        if start < end:
            self._change(self.text[:start] + self.text[end:], start)

    def _kill(self, start: int, end: int) -> None:
        if start >= end:
            return
        text, was_killing = self.text[start:end], self._is_killing
        if was_killing:
            self._killed[-1] = text + self._killed[-1] if end == self.cursor else self._killed[-1] + text
        else:
            self._killed.append(text)
            del self._killed[:-_MOST_KILLED]
        self._delete(start, end)
        self._is_killing = True


def _before(text: str, index: int) -> int:
    """Return where the character before ``index`` begins, its marks included."""
    index = max(index - 1, 0)
    while index > 0 and _clings(text[index]):
        index -= 1
    return index


def _after(text: str, index: int) -> int:
    """Return where the character behind ``index`` ends, its marks included."""
    index = min(index + 1, len(text))
    while index < len(text) and _clings(text[index]):
        index += 1
    return index


def _clings(char: str) -> bool:
    return not char.isascii() and columns_of(char) <= 0
