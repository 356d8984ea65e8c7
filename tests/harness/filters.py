"""Spam filters from the shell, as tests of the rules add them."""

from __future__ import annotations

from harness.world import SHELL, Here

from chatroom.chat.admission.filter_policy import make_filter
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.filter_actions import apply_filters
from chatroom.chat.stored.records import FilterAction, FilterKind


def add_filter(
    here: Here,
    pattern: str,
    action: FilterAction = "refuse",
    reason: str = "",
    duration_s: int | None = None,
    *,
    kind: FilterKind = "glob",
    force: bool = False,
) -> int:
    """Add a filter from the shell, and have the world take it in. Returns its id."""
    new = make_filter(pattern, kind, action, reason, duration_s, force=force)
    added = here.stores.filters.add(new, SHELL, 500)
    with here.tick():
        apply_filters(here.world, FilterSet(here.stores.filters.list_all()))
    return added.id
