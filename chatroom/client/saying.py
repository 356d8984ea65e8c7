"""What the user says, as lines for the server."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.client.actions import Say
from chatroom.client.chat_events import Said
from chatroom.client.chat_state import State
from chatroom.client.text import clean, room_for, split


class Utterance(NamedTuple):
    """One message for the server: its lines, and the event that shows it."""

    lines: tuple[str, ...]
    said: Said


def compose(action: Say, state: State) -> list[Utterance]:
    """Return the messages that say it, as many as its length needs."""
    before, after = ("\x01ACTION ", "\x01") if action.kind == "action" else ("", "")
    room = room_for(action.target, state.source_bytes) - len(before) - len(after)
    # A target so long that less than 64 bytes are left is not a name that a server has; let the server refuse it.
    return [
        Utterance(
            (f"PRIVMSG {action.target} :{before}{piece}{after}",),
            Said(action.target, state.nick, clean(piece), action.kind, mine=True),
        )
        for piece in split(action.text, max(room, 64))
    ]
