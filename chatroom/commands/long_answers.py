"""Long answers, made in pieces: each tick makes one piece, and the lines of others run in between.

A verb whose answer can be long is a generator of steps. Between two steps nothing changes, unless a piece ends there.
Then time has passed, as with any ``Pending``: users may have come and gone, channels may have been renamed, and the
user that asked may have lost rights. So the generator walks over a copy, and looks at each item again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatroom.commands.pending import Pending

if TYPE_CHECKING:
    from chatroom.commands.context import Context

Steps = Iterator[int]
"""A verb in steps. Each value is the work of a step, in the bytes of an answer that takes as long to make (about 10
bytes a microsecond)."""

PIECE_BYTES = 32_768
"""After so much work a piece ends. Most answers are done by then."""


def in_pieces(context: Context, steps: Steps) -> Pending | None:
    """Begin an answer, and return what goes on with it in the next tick; None if it is done.

    The session's further lines wait until the answer is whole. If the session ends, the rest is not made.
    """
    # A piece must fit into the send queue, also behind what others say to the session.
    work, most = 0, min(PIECE_BYTES, context.world.settings.limits.sendq_bytes // 4)
    for step in steps:
        work += step
        if work >= most:
            context.send_gathered()
            return Pending(None, None, lambda context, is_lost: _go_on(context, steps, is_lost), is_next_piece=True)
    return None


def _go_on(context: Context, steps: Steps, is_lost: object) -> Pending | None:
    return None if is_lost or context.session.closing else in_pieces(context, steps)
