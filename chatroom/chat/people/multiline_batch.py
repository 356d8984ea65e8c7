"""The lines of a multiline message, while its client sends them.

Source: IRCv3 client-batch and multiline.
"""

from __future__ import annotations

from chatroom.chat.stored.entries import Part

TIMEOUT_MS = 60_000
"""How long a batch can stay open."""


class MultilineBatch:
    """An open batch of one session. The caller checks ``MULTILINE_BYTES`` and ``MULTILINE_LINES`` after each line."""

    __slots__ = ("failed", "label", "lines", "opened_mono_ms", "reference", "size", "tags", "target", "verb")

    def __init__(self, reference: str, target: str, tags: dict[str, str], label: str, mono_ms: int) -> None:
        self.reference = reference
        self.target = target
        self.tags = tags
        """The tags of the line that opened it. They become the tags of the message."""
        self.label = label
        """The label of that line, for the reply to the whole message; empty if there is none or it was used."""
        self.opened_mono_ms = mono_ms
        self.verb = ""
        """PRIVMSG or NOTICE; empty before the first line."""
        self.lines: list[Part] = []
        self.size = 0
        """Bytes of all lines, with one for each line end."""
        self.failed = False
        """True if it was refused. Its further lines are ignored."""

    def add(self, text: str, concat: bool) -> None:
        """Add a line; ``concat`` continues the line before it."""
        if self.lines and not concat:
            self.size += 1
        self.size += len(text.encode())
        self.lines.append(Part(text, concat))

    def fail(self) -> None:
        """Refuse the batch and drop its lines."""
        self.failed = True
        self.lines = []

    @property
    def is_blank(self) -> bool:
        """True if no line has any text."""
        return not any(part.text for part in self.lines)
