"""What stands around the log: the topic, the places and the names."""

from __future__ import annotations

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from chatroom.client.fullscreen.bare_widget import BareWidget
from chatroom.client.fullscreen.look import Looks
from chatroom.client.rendering import Fragment


class RowsWidget(BareWidget):
    """Shows rows of fragments. It can be scrolled, and says which row was clicked."""

    class Clicked(Message):
        """The user has clicked on a row."""

        def __init__(self, widget: RowsWidget, index: int, column: int) -> None:
            super().__init__()
            self.widget = widget
            self.index = index
            self.column = column

    class Resized(Message):
        """The widget has another size, or has one at last after it was hidden."""

    def __init__(self, looks: Looks, *, base: str = "", id: str) -> None:
        super().__init__(id=id)
        self._looks = looks
        self._base = base
        self._rows: list[list[Fragment]] = []
        self._top = 0
        self._strips: dict[int, Strip] = {}  # what was painted of the rows, by their index
        self._made_for: object = None

    def show(self, rows: list[list[Fragment]], keep: int | None = None) -> None:
        """Show these rows. ``keep``: the index of one that must be in sight."""
        height = max(self.size.height, 1)
        top = min(self._top, max(len(rows) - height, 0))
        if keep is not None:
            top = max(min(top, keep), keep - height + 1, 0)
        if rows != self._rows or top != self._top:
            self._rows, self._top = rows, top
            self._strips.clear()
            self.refresh()

    def on_resize(self) -> None:
        """Have the rows painted for the new size."""
        self.post_message(self.Resized())

    def paint_row(self, y: int, size: Size) -> Strip:
        """Paint one row."""
        index = self._top + y
        made_for = size.width, self._looks.revision
        if made_for != self._made_for:
            self._made_for = made_for
            self._strips.clear()
        strip = self._strips.get(index)
        if strip is None:
            row = self._rows[index] if index < len(self._rows) else []
            strip = self._strips[index] = self._looks.strip(row, size.width, base=self._base)
        return strip

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        self._scroll(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        self._scroll(event, 1)

    def _scroll(self, event: events.Event, rows: int) -> None:
        event.stop()
        self._top = min(max(self._top + rows, 0), max(len(self._rows) - self.size.height, 0))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Say which row was clicked."""
        index = self._top + event.y
        if index < len(self._rows):
            self.post_message(self.Clicked(self, index, event.x))
