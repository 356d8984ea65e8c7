"""Where the answers to labelled messages stand: if a message cannot be stored, its refusal takes the answer's place.

The answer is the sender's echo or, without ``echo-message``, an ACK. It has the label, or is in the batch that has it.
So has the refusal then: the client is told which of its lines was refused, and no line of its own is left unanswered.
"""

from __future__ import annotations


class MessageAnswers:
    """The answers that may still be withdrawn with their messages. Guarded by the hub lock."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, str]] = {}

    def note(self, message_seq: int, seq: int, tags: str) -> None:
        """Note the number of the line that answers a message, and the tags with which it does."""
        self._known[message_seq] = seq, tags

    def find(self, message_seq: int) -> tuple[int, str]:
        """The number and the tags of a message's answer; the message's own number and none if it has no label."""
        return self._known.get(message_seq, (message_seq, ""))

    def forget(self, up_to: int) -> None:
        """Forget the answers of messages with numbers up to this one."""
        if self._known:
            self._known = {seq: answer for seq, answer in self._known.items() if seq > up_to}
