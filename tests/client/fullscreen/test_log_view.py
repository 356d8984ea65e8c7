from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.fullscreen.log_view import LogView, Row


class Rows:
    """Items that are so many rows each; the first is known by the number ``first``."""

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.first = 0

    def __len__(self) -> int:
        return len(self.counts)

    def row_count(self, index: int) -> int:
        """As ``Items``."""
        return self.counts[index]

    def key(self, index: int) -> object:
        """As ``Items``."""
        return self.first + index

    def index_of(self, key: object) -> int | None:
        """As ``Items``."""
        assert isinstance(key, int)
        return key - self.first if 0 <= key - self.first < len(self.counts) else None

    @property
    def all(self) -> list[Row]:
        """All rows."""
        return [Row(index, row) for index, count in enumerate(self.counts) for row in range(count)]


def view_of(*counts: int, height: int = 4) -> tuple[LogView, Rows]:
    """Return a view of items that have so many rows, and the items."""
    rows = Rows(list(counts))
    view = LogView(rows)
    view.height = height
    return view, rows


def test_it_follows_the_newest() -> None:
    """A view at the end shows what comes in."""
    view, rows = view_of(1, 1, 2, 1)
    assert view.visible() == rows.all[-4:]
    rows.counts.append(3)
    assert view.visible() == rows.all[-4:]
    assert view.follows


def test_it_stays_where_the_user_reads() -> None:
    """A view that was scrolled up shows the same rows after new items, older ones, and another width."""
    view, rows = view_of(*[1] * 20)
    view.scroll(-5)
    shown = view.visible()
    rows.counts += [1, 1, 1]
    assert view.visible() == shown
    rows.first -= 2
    rows.counts[:0] = [1, 1]
    assert view.visible() == [Row(row.item + 2, row.row) for row in shown]
    rows.counts = [2] * len(rows.counts)
    assert view.visible()[-1].item == shown[-1].item + 2
    assert not view.follows


def test_scrolling_to_the_end_follows_again() -> None:
    """Whoever scrolls down to the newest entry sees the next one."""
    view, rows = view_of(*[1] * 20)
    view.scroll(-5)
    view.scroll(5)
    assert view.follows
    view.scroll(-100)
    assert view.visible() == rows.all[:4]
    assert view.is_at_top
    view.scroll(1)
    assert view.visible() == rows.all[1:5]


def test_a_dropped_entry_does_not_lose_the_view() -> None:
    """If the entry that the view is anchored at is dropped, the oldest that is left is shown."""
    view, rows = view_of(*[1] * 20)
    view.scroll(-12)
    del rows.counts[:15]
    rows.first = 15
    assert len(view.visible()) == 4
    del rows.counts[1:]
    rows.first += 1
    assert view.visible() == rows.all


def test_it_goes_to_an_entry() -> None:
    """An entry that was looked for is shown in the middle."""
    view, _ = view_of(*[1] * 20)
    view.to_item(7)
    assert Row(7, 0) in view.visible()
    assert not view.follows
    view.to_item(19)
    assert view.follows


def test_entries_without_rows_are_passed_over() -> None:
    """An entry that is not shown has no row on the screen, and none is lost around it."""
    view, rows = view_of(1, 0, 0, 1, 1, 0)
    assert view.visible() == rows.all
    view.scroll(-1)
    assert view.visible() == rows.all
    assert view_of()[0].visible() == []


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 6), st.lists(st.integers(-9, 9), max_size=6))
def test_what_is_visible_is_a_part_of_the_log(counts: list[int], height: int, steps: list[int]) -> None:
    """Whatever one scrolls, the rows on the screen are consecutive, and fill it if there are enough."""
    view, rows = view_of(*counts, height=height)
    for step in steps:
        view.scroll(step)
        shown = view.visible()
        assert len(shown) == min(height, len(rows.all))
        begin = rows.all.index(shown[0]) if shown else 0
        assert shown == rows.all[begin : begin + len(shown)]
    view.to_begin()
    assert view.visible() == rows.all[:height]
    view.to_end()
    assert view.visible() == rows.all[-height:]
