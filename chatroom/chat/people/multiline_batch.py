"""A batch that a client has opened and not closed yet: the lines of a multiline message.

Source: IRCv3 client-batch and multiline.
"""

from __future__ import annotations

from chatroom.chat.stored.entries import Part

TIMEOUT_MS = 60_000
"""How long a batch may stay open."""


class MultilineBatch:
    """An open batch of one session. Bounded by ``MULTILINE_BYTES`` and ``MULTILINE_LINES``."""

    __slots__ = ("failed", "label", "lines", "opened_ms", "reference", "size", "tags", "target", "verb")

    def __init__(self, reference: str, target: str, tags: dict[str, str], label: str, now_ms: int) -> None:
        self.reference = reference
        self.target = target
        self.tags = tags
        """The tags of the line that opened it: they are the message's."""
        self.label = label
        self.opened_ms = now_ms
        self.verb = ""
        """PRIVMSG or NOTICE, once there is a line."""
        self.lines: list[Part] = []
        self.size = 0
        self.failed = False
        """Whether it was refused: what still comes of it means nothing."""

    def add(self, text: str, concat: bool) -> None:
        """Take in a line."""
        if self.lines and not concat:
            self.size += 1
        self.size += len(text.encode())
        self.lines.append(Part(text, concat))

    def fail(self) -> None:
        """Forget what there is and take in nothing more."""
        self.failed = True
        self.lines = []

    @property
    def is_blank(self) -> bool:
        """Whether there is no text in it at all."""
        return not any(part.text for part in self.lines)
