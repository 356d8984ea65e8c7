"""The Protocol of the store for spam filters. What all methods have in common stands in ``stores``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from chatroom.chat.stored.records import Actor, NewFilter, SpamFilter


class FilterStore(Protocol):
    """Spam filters, at most one for each pattern of a kind."""

    def add(self, new: NewFilter, by: Actor, most: int) -> SpamFilter:
        """Add a filter, or change the one with this pattern, which keeps its id and its hits. Audit: ``filter.add``.

        Raises ``TooMany`` if it is new and there are ``most`` filters of its kind.
        """
        ...

    def remove(self, filter_id: int, by: Actor) -> SpamFilter:
        """Delete a filter and return it. Raises ``NotFound``. Audit: ``filter.remove``."""
        ...

    def find(self, filter_id: int) -> SpamFilter | None:
        """The filter with that id, or None."""
        ...

    def find_pattern(self, pattern: str) -> SpamFilter | None:
        """The filter with exactly that pattern, a glob before a regular expression; or None."""
        ...

    def list_all(self) -> list[SpamFilter]:
        """All filters, in the order in which they were added."""
        ...

    def add_hits(self, hits: Mapping[int, int], at: datetime) -> None:
        """Add to the hits of filters, by their ids; the last of them was at that time. No change is logged.

        Filters that were removed meanwhile are left out.
        """
        ...
