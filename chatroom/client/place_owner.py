"""The owner of remembered places: two users of one machine, or one user under two names, have places of their own."""

from __future__ import annotations

from typing import NamedTuple


class PlaceOwner(NamedTuple):
    """A user on a server."""

    server: str
    """The name of the server: that of a saved one, or its address."""
    user: str
    """The account, or the nick that is asked for without one; folded."""
