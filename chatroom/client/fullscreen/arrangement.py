"""Which parts of the screen fit into a terminal of a given size. Pure."""

from __future__ import annotations

from typing import NamedTuple

NAMES_FROM = 80
"""From so many columns on there is room for the names."""
PLACES_FROM = 60
"""From so many columns on the places are a list; with less they are one row."""
TOPIC_FROM = 12
"""From so many rows on there is room for the topic."""

_MOST_COLUMNS = 20
"""The widest that a list at the side is."""


class Arrangement(NamedTuple):
    """The parts that are shown."""

    topic: bool
    places_list: bool
    """True if the places are a list at the left; False if they are one row."""
    names: bool
    side_columns: int
    """How wide a list at a side is."""


def arrange(columns: int, rows: int, *, wants_names: bool = True) -> Arrangement:
    """Return what fits into a terminal. ``wants_names``: False if the user has hidden the names."""
    return Arrangement(
        rows >= TOPIC_FROM,
        columns >= PLACES_FROM,
        wants_names and columns >= NAMES_FROM,
        min(_MOST_COLUMNS, max(14, columns // 7)),
    )
