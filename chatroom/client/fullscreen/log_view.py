"""Which rows of a log are on the screen.

A view either *follows*, so that the newest item is at its bottom, or it is anchored at a row of one item, which stays
where it is when items come in, older ones are put before it, or the width changes. Pure: no widget, no text.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Items(Protocol):
    """The items of a log, in order."""

    def __len__(self) -> int:
        """Return how many there are."""

    def row_count(self, index: int) -> int:
        """Return how many rows an item has at the width that is shown; 0 for one that is not shown."""

    def key(self, index: int) -> object:
        """Return what an item is known by if others are put before it, or dropped."""

    def index_of(self, key: object) -> int | None:
        """Return the index of an item; None if it is not there any more."""


class Row(NamedTuple):
    """A row of an item."""

    item: int
    """The index of its item."""
    row: int


class _Anchor(NamedTuple):
    """The row at the bottom of a view."""

    key: object
    item: int
    """Where the item was: if it is dropped, what is there now is shown."""
    row: int


class LogView:
    """A window of ``height`` rows on a log."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.height = 1
        self._anchor: _Anchor | None = None

    @property
    def follows(self) -> bool:
        """True if the newest item is shown, and the next one will be."""
        return self._anchor is None

    @property
    def is_at_top(self) -> bool:
        """True if nothing is above what is shown."""
        rows = self.visible()
        return not rows or self._before(rows[0]) is None

    def visible(self) -> list[Row]:
        """Return the rows on the screen from top to bottom; fewer than ``height`` only if there are no more."""
        bottom = self._bottom()
        if bottom is None:
            return []
        rows = [bottom]
        while len(rows) < self.height:
            above = self._before(rows[-1])
            if above is None:
                break
            rows.append(above)
        rows.reverse()
        while len(rows) < self.height:  # near the begin of the log: fill the screen from below
            below = self._after(rows[-1])
            if below is None:
                break
            rows.append(below)
        return rows

    def scroll(self, rows: int) -> None:
        """Move by so many rows, up if negative. Reaching the end makes the view follow."""
        shown = self.visible()
        if not shown:
            return
        if rows < 0:
            row = shown[0]
            moved = 0
            while moved < -rows and (above := self._before(row)) is not None:
                row = above
                moved += 1
            rows = -moved
        row = shown[-1]
        for _ in range(abs(rows)):
            step = self._before(row) if rows < 0 else self._after(row)
            if step is None:
                break
            row = step
        self._hold(row)

    def to_end(self) -> None:
        """Show the newest item, and follow."""
        self._anchor = None

    def to_begin(self) -> None:
        """Show the oldest item at the top."""
        row = self._after(Row(-1, 0))
        for _ in range(self.height - 1):
            row = (self._after(row) if row is not None else None) or row
        self._hold(row)

    def to_item(self, index: int) -> None:
        """Show an item in the middle."""
        row = Row(index, max(self.items.row_count(index) - 1, 0))
        for _ in range(self.height // 2):
            row = self._after(row) or row
        self._hold(row)

    def _hold(self, bottom: Row | None) -> None:
        if bottom is None or self._after(bottom) is None:
            self._anchor = None
        else:
            self._anchor = _Anchor(self.items.key(bottom.item), *bottom)

    def _bottom(self) -> Row | None:
        items, anchor = self.items, self._anchor
        if anchor is not None and len(items):
            index = items.index_of(anchor.key)
            if index is None:
                index = min(anchor.item, len(items) - 1)
            else:
                self._anchor = anchor._replace(item=index)
            count = items.row_count(index)
            found = Row(index, min(anchor.row, count - 1)) if count else self._after(Row(index, 0))
            if found is not None:
                return found
        return self._before(Row(len(items), 0))

    def _before(self, row: Row) -> Row | None:
        if row.row > 0:
            return Row(row.item, row.row - 1)
        for index in range(row.item - 1, -1, -1):
            count = self.items.row_count(index)
            if count:
                return Row(index, count - 1)
        return None

    def _after(self, row: Row) -> Row | None:
        if 0 <= row.item < len(self.items) and row.row + 1 < self.items.row_count(row.item):
            return Row(row.item, row.row + 1)
        for index in range(row.item + 1, len(self.items)):
            if self.items.row_count(index):
                return Row(index, 0)
        return None
