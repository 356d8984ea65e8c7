"""Messages of several lines: what a server takes, and what it sends, as one message.

Source: IRCv3 multiline.
"""

from __future__ import annotations

from typing import NamedTuple

from chatroom.irc.message import Message

CAPABILITY = "draft/multiline"
_CONCAT = "draft/multiline-concat"
_MOST_LINES = 1000
"""How many lines of one message are read. A server that sends more is broken or hostile."""
_MOST_OPEN = 16
"""How many messages may be incomplete at the same time."""


class Limits(NamedTuple):
    """How long a message of several lines may be."""

    most_bytes: int
    most_lines: int


def read_limits(value: str) -> Limits:
    """Read the value of the capability: ``max-bytes=4096,max-lines=100``."""
    given = dict(part.partition("=")[::2] for part in value.split(","))
    # What a server leaves out is assumed to be small.
    return Limits(_whole(given.get("max-bytes", ""), 2048), _whole(given.get("max-lines", ""), 24))


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 10 else otherwise


def batches(lines: list[list[str]], limits: Limits) -> list[list[tuple[str, bool]]]:
    """Divide lines into messages that a server takes.

    Each line comes as the pieces that it is sent in, because it may be too long for one line of IRC. A message is a
    list of pieces; True for one that continues the piece before it.
    """
    found: list[list[tuple[str, bool]]] = []
    used = 0
    for pieces in lines:
        size = sum(len(piece.encode()) for piece in pieces) + 1
        is_full = not found or used + size > limits.most_bytes or len(found[-1]) + len(pieces) > limits.most_lines
        if is_full:
            found.append([])
            used = 0
        found[-1] += [(piece, number > 0) for number, piece in enumerate(pieces)]
        used += size
    return found


def wire_lines(reference: str, target: str, pieces: list[tuple[str, bool]]) -> tuple[str, ...]:
    """Return the lines that send one message."""
    said = (
        f"@batch={reference}{f';{_CONCAT}' if continues else ''} PRIVMSG {target} :{piece}"
        for piece, continues in pieces
    )
    return f"BATCH +{reference} {CAPABILITY} {target}", *said, f"BATCH -{reference}"


class MultilineReader:
    """Puts the lines of a batch together again."""

    def __init__(self) -> None:
        # Reference of a batch to its opening line and its lines.
        self._open: dict[str, tuple[Message, list[Message]]] = {}

    def reset(self) -> None:
        """Begin a new connection."""
        self._open.clear()

    def take(self, message: Message) -> Message | None:
        """Return the message to act on: the same, or a whole multiline message at its end; None in between.

        The text of a multiline message has a line feed between two lines, and the tags of the opening line.
        """
        if message.verb == "BATCH" and message.params:
            reference = message.params[0][1:]
            if message.params[0].startswith("+"):
                if message.params[1:2] != [CAPABILITY] or len(self._open) >= _MOST_OPEN:
                    return message
                self._open[reference] = (message, [])
                return None
            return _join(*self._open.pop(reference)) if reference in self._open else message
        opened = self._open.get((message.tags or {}).get("batch", "")) if self._open else None
        if opened is None or message.verb not in ("PRIVMSG", "NOTICE") or len(message.params) < 2:
            return message
        if len(opened[1]) < _MOST_LINES:
            opened[1].append(message)
        return None


def _join(opening: Message, lines: list[Message]) -> Message | None:
    if not lines:
        return None
    text = lines[0].params[1]
    for line in lines[1:]:
        text += ("" if _CONCAT in (line.tags or {}) else "\n") + line.params[1]
    first = lines[0]
    return Message(first.verb, [first.params[0], text], first.source or opening.source, opening.tags)
