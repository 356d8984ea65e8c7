"""The widget that shows the log of a place, and lets the user scroll, select and copy."""

from __future__ import annotations

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from chatroom.client.fullscreen.bare_widget import BareWidget
from chatroom.client.fullscreen.copying import Spot, copied_text, link_at, selected_part, spot_at
from chatroom.client.fullscreen.log_view import LogView, Row
from chatroom.client.fullscreen.look import Looks
from chatroom.client.fullscreen.shown_log import ShownLog, ShownRow
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place

WHEEL_ROWS = 3
"""How far one click of the mouse wheel scrolls."""


class LogWidget(BareWidget):
    """Shows the log of one place. Each place keeps where it was scrolled to."""

    DEFAULT_CSS = "LogWidget { width: 1fr; height: 1fr; }"

    class Scrolled(Message):
        """The user has scrolled, perhaps to the oldest entry or back to the newest one."""

    class Copied(Message):
        """The user has selected a text with the mouse."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Clicked(Message):
        """The user has clicked on an entry, perhaps on a link in it."""

        def __init__(self, entry: Entry, link: str) -> None:
            super().__init__()
            self.entry = entry
            self.link = link

    class Pointed(Message):
        """The user has clicked on an entry with the right mouse button."""

        def __init__(self, entry: Entry) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, looks: Looks) -> None:
        super().__init__()
        self._looks = looks
        self.me = ""
        """The user's nick."""
        self.is_bare = False
        self.is_formatted = True
        """True to show the formatting of messages."""
        self._views: dict[Place, tuple[ShownLog, LogView]] = {}
        self._log: ShownLog | None = None
        self._view: LogView | None = None
        self._visible: list[Row] | None = None
        self._shown: list[ShownRow] = []  # what is in the visible rows
        self._selected: tuple[Spot, Spot] | None = None
        self._pressed: Spot | None = None

    # What is shown

    def show_place(self, place: Place) -> None:
        """Show a place, scrolled as it was."""
        if place not in self._views:
            log = ShownLog(place)
            self._views[place] = (log, LogView(log))
        self._log, self._view = self._views[place]
        self._selected = None
        self.repaint()

    def forget(self, kept: set[Place]) -> None:
        """Forget the places that are not among these."""
        for place in [place for place in self._views if place not in kept]:
            del self._views[place]

    def repaint(self) -> None:
        """Paint anew what has changed."""
        self._visible = None
        self.refresh()

    @property
    def follows(self) -> bool:
        """True if the newest entry is shown."""
        return self._view is None or self._view.follows

    @property
    def is_at_top(self) -> bool:
        """True if the oldest entry is shown."""
        self._sync()
        return self._view is None or self._view.is_at_top

    @property
    def shown(self) -> ShownLog | None:
        """The log that is shown; None before the first place."""
        return self._log

    # Scrolling

    def scroll_rows(self, rows: int) -> None:
        """Scroll by so many rows, up if negative."""
        self._sync()
        if self._view is not None:
            self._view.scroll(rows)
            self._scrolled()

    def scroll_page(self, pages: int) -> None:
        """Scroll by a page, which leaves two rows in sight."""
        self.scroll_rows(pages * max(self.size.height - 2, 1))

    def to_end(self) -> None:
        """Show the newest entry, and follow."""
        if self._view is not None:
            self._view.to_end()
            self._selected = None
            if self._log is not None:
                self._log.marked = None
            self._scrolled()

    def to_begin(self) -> None:
        """Show the oldest entry."""
        self._sync()
        if self._view is not None:
            self._view.to_begin()
            self._scrolled()

    def to_entry(self, entry: Entry) -> bool:
        """Show an entry in the middle; False if it is not in the log."""
        self._sync()
        if self._log is None or self._view is None:
            return False
        index = self._log.index_of(entry)
        if index is None:
            return False
        self._log.marked = entry
        self._view.to_item(index)
        self._scrolled()
        return True

    def _scrolled(self) -> None:
        self.repaint()
        self.post_message(self.Scrolled())

    # Painting

    def _sync(self) -> list[Row]:
        """Take in what has changed in the log, and return the visible rows."""
        if self._log is None or self._view is None:
            return []
        if self._visible is None:
            log, size = self._log, self.size
            log.width, log.me = max(size.width - 1, 1), self.me
            log.is_bare, log.is_formatted = self.is_bare, self.is_formatted
            log.refresh()
            self._view.height = max(size.height, 1)
            self._visible = self._view.visible()
            self._shown = [log.rows(row.item)[row.row] for row in self._visible]
        return self._visible

    def on_resize(self) -> None:
        """Break the rows anew."""
        self.repaint()

    def paint_row(self, y: int, size: Size) -> Strip:
        """Paint one row. A short log stands at the bottom, above the composer."""
        rows = self._sync()
        number = y - (size.height - len(rows))
        if self._log is None or number < 0 or number >= len(rows):
            return self._looks.strip([], size.width)
        shown = self._shown[number]
        part = selected_part(self._log, rows[number], self._selected) if self._selected is not None else None
        if part is not None:
            return self._with_selection(shown, part)
        made_for = size.width, self._looks.revision
        if not isinstance(shown.strip, Strip) or shown.made_for != made_for:
            shown.strip, shown.made_for = self._looks.strip(shown.fragments, size.width), made_for
        return shown.strip

    def _with_selection(self, shown: ShownRow, part: tuple[int, int]) -> Strip:
        """Paint a row with its characters of ``part`` selected."""
        fragments = []
        # Where the row's text begins among the characters of its fragments.
        total = sum(len(text) for _, text in shown.fragments)
        begin = total - (shown.end - shown.start)
        first, last = begin + part[0] - shown.start, begin + part[1] - shown.start
        at = 0
        for style, text in shown.fragments:
            a, b = min(max(first - at, 0), len(text)), min(max(last - at, 0), len(text))
            fragments += [(style, text[:a]), (f"{style} selected", text[a:b]), (style, text[b:])]
            at += len(text)
        return self._looks.strip([(style, text) for style, text in fragments if text], self.size.width)

    # The mouse

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to select, or point at an entry."""
        if event.button == 3:
            spot = self._spot(event)
            if spot is not None:
                self.post_message(self.Pointed(spot.entry))
        if event.button == 1:
            self._selected = None
            self._pressed = self._spot(event)
            self.capture_mouse()
            self.repaint()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to the mouse. Beyond the log it scrolls."""
        if self._pressed is None:
            return
        if event.y < 0 or event.y >= self.size.height:
            self.scroll_rows(-1 if event.y < 0 else 1)
        spot = self._spot(event)
        if spot is not None:
            self._selected = (self._pressed, spot) if spot != self._pressed or self._selected else None
            self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Copy what is selected, or take the click."""
        self.release_mouse()
        pressed, self._pressed = self._pressed, None
        if self._log is None or pressed is None:
            return
        if self._selected is not None:
            self.post_message(self.Copied(copied_text(self._log, self._selected)))
        else:
            self.post_message(self.Clicked(pressed.entry, link_at(self._log, pressed)))

    def _spot(self, event: events.MouseEvent) -> Spot | None:
        rows = self._sync()
        if not rows or self._log is None:
            return None
        number = event.y - (self.size.height - len(rows))
        row = rows[min(max(number, 0), len(rows) - 1)]
        return spot_at(self._log, row, event.x)
