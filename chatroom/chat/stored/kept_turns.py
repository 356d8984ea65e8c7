"""A turn as the database keeps it beside its messages: if its node dies, the next one tells of it."""

from __future__ import annotations

from typing import NamedTuple


class KeptTurn(NamedTuple):
    """What a turn has changed."""

    after_id: int
    """The last message id of the turn before. Each turn ends with a higher one, so it names the world that this turn
    began with.
    """
    home: str
    """Whose turn it was."""
    records: bytes
    """What it has changed and said, as ``chatroom.chat.cluster.kept_records`` writes it."""
