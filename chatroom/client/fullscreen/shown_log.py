"""The log of a place as items and rows: joins and parts folded, days and the line "new" between them. Pure.

An item is one entry, or several in a row that say who came and left. Its rows are made when they are shown first, and
kept until the width, the entry or what is before it changes.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime

from chatroom.client.fullscreen.cells import columns
from chatroom.client.fullscreen.entry_words import Words, words_of
from chatroom.client.fullscreen.folding import fold, folds
from chatroom.client.fullscreen.nick_colours import NickColours
from chatroom.client.fullscreen.row_breaks import break_rows, cut
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.rendering import Fragment

LABEL_COLUMNS = 10
"""How wide the column of nicks is, if there is one."""
LABELS_FROM = 50
"""From so many columns on there is a column of nicks."""
_STAMP = len("00:00 ")
_MOST_KEPT = 500
"""The most items whose rows are kept."""
_LONGEST_FOLD = 200


class ShownRow:
    """One row of the screen. ``strip`` and ``made_for`` are for the widget that paints it."""

    __slots__ = ("end", "fragments", "indent", "line", "made_for", "start", "strip")

    def __init__(
        self, fragments: list[Fragment], indent: int = 0, line: int = -1, start: int = 0, end: int = 0
    ) -> None:
        self.fragments = fragments
        self.indent = indent
        """The column in which the text of the entry begins."""
        self.line = line
        """Which line of the entry it is; -1 for a row between entries."""
        self.start = start
        """The part of that line that is shown."""
        self.end = end
        self.strip: object = None
        self.made_for: object = None


class Item:
    """One or more entries that are shown together."""

    __slots__ = ("_dated", "_day", "entries", "made_for", "rows", "words")

    def __init__(self, entry: Entry) -> None:
        self.entries = [entry]
        self.rows: list[ShownRow] = []
        self.words: Words | None = None
        self.made_for: object = None  # what the rows depend on
        self._dated: datetime | None = None
        self._day: date | None = None

    @property
    def day(self) -> date | None:
        """The day of all the entries, here. It may change: the server says when a message was said that is sent."""
        at = self.first.at
        if at is not self._dated:
            self._dated, self._day = at, at.astimezone().date()
        return self._day

    @property
    def first(self) -> Entry:
        """The oldest entry."""
        return self.entries[0]


class ShownLog:
    """The items of one place. ``refresh`` takes in what has changed; then ``log_view.Items`` holds."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.colours = NickColours()
        self.width = 80
        self.me = ""
        """The user's nick."""
        self.is_bare = False
        """True to leave out times and columns, so that the terminal itself can copy text."""
        self.is_formatted = True
        """True to show the formatting of messages."""
        self.marked: Entry | None = None
        """The entry that the user has looked for: its time stands out."""
        self._items: list[Item] = []
        self._revision = -1
        self._count = 0  # of the entries that are in the items
        self._kept: list[Item] = []

    # The log

    def refresh(self) -> None:
        """Take in what has changed in the log since the last call."""
        log = self.place.log
        if log.revision == self._revision:
            return
        entries = log.entries
        known = self._count
        is_longer = known > 0 and len(entries) >= known and bool(self._items)
        if is_longer and entries[0] is self._items[0].first and entries[known - 1] is self._items[-1].entries[-1]:
            new = entries[known:]
        elif is_longer and self._dropped() is not None:
            new = entries[self._dropped_count() :]
        else:
            self._items.clear()
            new = entries
        for entry in new:
            self._append(entry)
        self._count = len(entries)
        self._revision = log.revision

    def _dropped(self) -> int | None:
        """How many entries the log has dropped at its begin, if that and new ones at its end is all; None if not."""
        log = self.place.log
        position = log.position(self._items[-1].entries[-1])
        if position is None:
            return None
        dropped = self._count - 1 - position
        return dropped if dropped > 0 else None

    def _dropped_count(self) -> int:
        """Drop what the log has dropped, and return how many entries are known."""
        dropped = self._dropped() or 0
        left = dropped
        while left > 0 and self._items:
            item = self._items[0]
            if len(item.entries) <= left:
                left -= len(item.entries)
                del self._items[0]
            else:
                del item.entries[:left]
                left = 0
        return self._count - dropped

    def _append(self, entry: Entry) -> None:
        last = self._items[-1] if self._items else None
        joins = (
            last is not None
            and len(last.entries) < _LONGEST_FOLD
            and folds(entry.event)
            and folds(last.first.event)
            and entry.at.astimezone().date() == last.day
        )
        if joins and last is not None:
            last.entries.append(entry)
        else:
            self._items.append(Item(entry))

    # As log_view.Items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Item:
        return self._items[index]

    def key(self, index: int) -> object:
        """Return what the item is known by."""
        return self._items[index].first

    def index_of(self, key: object) -> int | None:
        """Return the index of the item with an entry; None if it is not here."""
        assert isinstance(key, Entry)
        index = bisect_right(self._items, key.moment, key=_moment) - 1
        while index >= 0:
            if key in self._items[index].entries:
                return index
            if self._items[index].entries[-1].moment < key.moment:
                return None
            index -= 1
        return None

    def row_count(self, index: int) -> int:
        """Return how many rows an item has."""
        return len(self.rows(index))

    def rows(self, index: int) -> list[ShownRow]:
        """Return the rows of an item, with what stands before it."""
        item = self._items[index]
        first = item.first
        is_new_day = index == 0 or self._items[index - 1].day != item.day
        is_unread = self.place.first_unread in item.entries
        reply_to = first.said.reply_to if first.said is not None else ""
        original = self.place.log.find(reply_to) if reply_to else None
        made_for = (
            self.width, self.me, self.is_bare, self.is_formatted, is_new_day, is_unread, len(item.entries),
            first.revision, self.marked in item.entries, original.revision if original is not None else None,
        )  # fmt: skip
        if item.made_for != made_for:
            if not item.rows:
                self._keep(item)
            item.rows = self._make_rows(item, is_new_day=is_new_day, is_unread=is_unread)
            item.made_for = made_for
        return item.rows

    def _keep(self, item: Item) -> None:
        self._kept.append(item)
        if len(self._kept) > _MOST_KEPT:
            for old in self._kept[: _MOST_KEPT // 2]:
                old.rows, old.words, old.made_for = [], None, None
            del self._kept[: _MOST_KEPT // 2]

    # Rows

    def _make_rows(self, item: Item, *, is_new_day: bool, is_unread: bool) -> list[ShownRow]:
        rows: list[ShownRow] = []
        if is_new_day and item.first.at is not None:
            rows.append(self._rule("day", f"{item.first.at.astimezone():%A, %d %B %Y}"))
        if is_unread:
            rows.append(self._rule("new", "new"))
        if len(item.entries) > 1:
            words = Words([], [fold([entry.event for entry in item.entries])], item.first.at)
        else:
            words = words_of(item.first, self.place.log, self.me, self.colours, formatted=self.is_formatted)
        item.words = words
        prefix = self._prefix(words, is_marked=self.marked in item.entries)
        indent = sum(columns(text) for _, text in prefix)
        hang = self._hang
        for number, line in enumerate(words.lines):
            text = "".join(part for _, part in line)
            begin = indent if number == 0 else hang
            for part in break_rows(text, self.width - max(begin, hang)):
                before = prefix if number == 0 and part.start == 0 else [("", " " * hang)] if hang else []
                at = indent if number == 0 and part.start == 0 else hang
                rows.append(ShownRow([*before, *cut(line, *part)], at, number, *part))
        return rows

    @property
    def _has_labels(self) -> bool:
        return self.width >= LABELS_FROM and not self.is_bare

    @property
    def _hang(self) -> int:
        """The column in which the second row of a text begins."""
        if self.is_bare:
            return 0
        return _STAMP + (LABEL_COLUMNS + 1 if self._has_labels else 0)

    def _prefix(self, words: Words, *, is_marked: bool) -> list[Fragment]:
        """The time and the author, which stand before the text."""
        if self.is_bare:
            return [*words.label, ("", ": ")] if words.label else []
        stamp = f"{words.at.astimezone():%H:%M} " if words.at is not None else " " * _STAMP
        prefix: list[Fragment] = [("chosen", stamp[:-1]), ("", " ")] if is_marked else [("time", stamp)]
        if self._has_labels:
            size = sum(columns(text) for _, text in words.label)
            label = words.label or [("dim", "—")]
            return [*prefix, ("", " " * (LABEL_COLUMNS - max(size, 1 if not words.label else 0))), *label, ("", " ")]
        return [*prefix, *words.label, ("", " ")] if words.label else prefix

    def _rule(self, style: str, text: str) -> ShownRow:
        room = max(self.width - columns(text) - 2, 0)
        return ShownRow([(style, f"{'─' * (room // 2)} {text} {'─' * (room - room // 2)}")])


def _moment(item: Item) -> datetime:
    return item.first.moment
