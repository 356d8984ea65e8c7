"""The composer: the prompt, which names the place, and the text that the user types."""

from __future__ import annotations

from textual.geometry import Size
from textual.strip import Strip

from chatroom.client.fullscreen.bare_widget import BareWidget
from chatroom.client.fullscreen.cells import columns, fit
from chatroom.client.fullscreen.line_editor import LineEditor
from chatroom.client.fullscreen.look import Looks
from chatroom.client.fullscreen.typed_rows import TypedRows, typed_rows
from chatroom.client.rendering import Fragment

MOST_ROWS = 8
"""How many rows of a long text are shown; those around the cursor."""


class Composer(BareWidget):
    """Shows a ``LineEditor``. The screen hands it the keys: it never has the focus."""

    DEFAULT_CSS = "Composer { height: 1; width: 100%; }"

    def __init__(self, looks: Looks) -> None:
        super().__init__()
        self._looks = looks
        self.editor = LineEditor()
        self.prompt: list[Fragment] = []
        self.hint = ""
        """Shown behind the prompt while nothing is typed."""
        self.is_secret = False
        """True for a password: stars are shown."""
        self.is_hidden = False
        """True while nobody may read what is typed, not even how much it is."""
        self._top = 0

    def show(self, prompt: list[Fragment], hint: str) -> None:
        """Change the prompt."""
        if (prompt, hint) != (self.prompt, self.hint):
            self.prompt, self.hint = prompt, hint
            self.changed()

    def changed(self) -> None:
        """Paint anew, after the text has changed."""
        rows = min(len(self._rows().rows), MOST_ROWS)
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
        self.refresh()

    def _rows(self) -> TypedRows:
        text = "" if self.is_hidden else self.editor.text
        first = min(sum(columns(part) for _, part in self.prompt), max(self._columns - 4, 0))
        return typed_rows(text, self.editor.cursor, first, max(self._columns, 4), secret=self.is_secret)

    @property
    def _columns(self) -> int:
        return self.size.width or self.app.size.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many rows the text takes."""
        return min(len(self._rows().rows), MOST_ROWS)

    def paint_row(self, y: int, size: Size) -> Strip:
        """Paint one row."""
        typed = self._rows()
        shown = size.height
        self._top = min(max(self._top, typed.cursor_row - shown + 1), typed.cursor_row)
        self._top = max(min(self._top, len(typed.rows) - shown), 0)
        number = self._top + y
        if number >= len(typed.rows):
            return self._looks.strip([], size.width)
        fragments = list(self._shown_prompt()) if number == 0 else []
        fragments += typed.fragments(number)
        if number == typed.cursor_row and not self.editor.text and self.hint:
            used = sum(columns(text) for _, text in fragments)
            room = size.width - used - 1
            if columns(self.hint) <= room:
                fragments += [("", " " * (room - columns(self.hint))), ("hint", self.hint)]
        return self._looks.strip(fragments, size.width)

    def _shown_prompt(self) -> list[Fragment]:
        """The prompt, cut if it would leave no room for the text."""
        room = max(self._columns - 4, 0)
        if sum(columns(text) for _, text in self.prompt) <= room:
            return self.prompt
        style = self.prompt[0][0]
        return [(style, fit("".join(text for _, text in self.prompt), room))]
