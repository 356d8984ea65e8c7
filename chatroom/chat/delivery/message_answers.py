"""Where the answers to labelled messages stand: if a message cannot be stored, its refusal takes the answer's place.

The answer is the sender's echo or, without ``echo-message``, an ACK. It has the label, or is in the batch that has it.
So has the refusal then: the client is told which of its lines was refused, and no line of its own is left unanswered.
"""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """Where and how the refusal of a message is read."""

    seq: int
    """The number of the line whose place it takes."""
    tags: str = ""
    before: bytes = b""
    """The lines directly before the refusal, such as the one that opens its batch. They are read only with it."""
    after: bytes = b""


class MessageAnswers:
    """The answers that may still be withdrawn with their messages. Guarded by the hub lock."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, Answer] = {}

    def note(self, message_seq: int, answer: Answer) -> None:
        """Note how a message is answered if it is refused."""
        self._known[message_seq] = answer

    def find(self, message_seq: int) -> Answer:
        """How a message is answered if it is refused; in its own place and without tags if it has no label."""
        return self._known.get(message_seq) or Answer(message_seq)

    def forget(self, up_to: int) -> None:
        """Forget the answers of messages with numbers up to this one."""
        if self._known:
            self._known = {seq: answer for seq, answer in self._known.items() if seq > up_to}
