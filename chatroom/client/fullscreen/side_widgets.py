"""What stands around the log: the topic, the places and the names."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from chatroom.client.fullscreen.look import Looks
from chatroom.client.rendering import Fragment


class RowsWidget(Widget):
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

    def show(self, rows: list[list[Fragment]], keep: int | None = None) -> None:
        """Show these rows. ``keep``: the index of one that must be in sight."""
        height = max(self.size.height, 1)
        top = min(self._top, max(len(rows) - height, 0))
        if keep is not None:
            top = max(min(top, keep), keep - height + 1, 0)
        if rows != self._rows or top != self._top:
            self._rows, self._top = rows, top
            self.refresh()

    def on_resize(self) -> None:
        """Have the rows painted for the new size."""
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        index = self._top + y
        row = self._rows[index] if index < len(self._rows) else []
        return self._looks.strip(row, self.size.width, base=self._base)

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
