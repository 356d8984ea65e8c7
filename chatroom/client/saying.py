"""What the user says, as lines for the server."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from chatroom.client.actions import Say
from chatroom.client.chat_events import Said
from chatroom.client.chat_state import State
from chatroom.client.formatting import bare
from chatroom.client.several_lines import Limits, batches, wire_lines
from chatroom.client.text import CTCP, clean_formatted, cut, room_for, split
from chatroom.irc.message import format_tags


class Utterance(NamedTuple):
    """One message for the server."""

    lines: tuple[str, ...]
    tags: str
    """The tags of the first line, as they go over the wire; empty for none."""
    said: Said
    """The event that shows it."""


def compose(action: Say, state: State) -> list[Utterance]:
    """Return the messages that say it, as many as its length needs.

    A text of several lines is one message if the server takes such messages; else each line is one.
    """
    if state.multiline is not None and action.kind == "message":
        found = _compose_multiline(action, state, state.multiline)
    else:
        lines = [line for line in action.text.split("\n") if line.strip()]
        found = [utterance for line in lines for utterance in _compose_line(replace(action, text=line), state)]
    if action.reply_to and found:
        first = found[0]
        tags = format_tags({"+draft/reply": action.reply_to})
        found[0] = first._replace(tags=tags, said=replace(first.said, reply_to=action.reply_to))
    return found


def _compose_multiline(action: Say, state: State, limits: Limits) -> list[Utterance]:
    room = max(room_for(action.target, state.source_bytes), 64)
    found = []
    for pieces in batches([cut(line, room) for line in action.text.split("\n")], limits):
        text = "".join(
            ("" if continues or not number else "\n") + piece for number, (piece, continues) in enumerate(pieces)
        )
        if not text.strip():
            continue
        said = _said(action, state, "\n".join(clean_formatted(line) for line in text.split("\n")))
        if len(pieces) == 1:
            found.append(Utterance((f"PRIVMSG {action.target} :{pieces[0][0]}",), "", said))
        else:
            # The reference need only differ from those of batches that are open, and none is.
            found.append(Utterance(wire_lines("say", action.target, pieces), "", said))
    return found


def _compose_line(action: Say, state: State) -> list[Utterance]:
    before, after = ("\x01ACTION ", "\x01") if action.kind == "action" else ("", "")
    room = room_for(action.target, state.source_bytes) - len(before) - len(after)
    # A target so long that less than 64 bytes are left is not a name that a server has; let the server refuse it.
    return [
        Utterance(
            (f"PRIVMSG {action.target} :{before}{piece}{after}",),
            "",
            _said(action, state, clean_formatted(piece)),
        )
        for piece in split(action.text, max(room, 64))
    ]


def _said(action: Say, state: State, written: str) -> Said:
    text = bare(written).replace(CTCP, "")
    formatted = written.replace(CTCP, "") if text != written else ""
    return Said(action.target, state.nick, text, action.kind, mine=True, formatted=formatted)
