"""The answer to a labelled command: gathered while the verb runs, sent whole when it is done.

Source: IRCv3 labeled-response. No line is answered with an ACK, one line carries the label itself, more become a batch
that carries it: the label is on exactly one logical message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.events import Event
from chatroom.irc.framing import encode
from chatroom.irc.message import escape

if TYPE_CHECKING:
    from chatroom.chat.outbox import Outbox
    from chatroom.chat.session import Session

LABEL_BYTES = 64
"""The most bytes a label may have; a longer one is none."""


class Answers:
    """What one labelled command of one session is answered, in order."""

    __slots__ = ("label", "said")

    def __init__(self, label: str) -> None:
        self.label = label
        self.said: list[str | Event] = []

    def send(self, outbox: Outbox, session: Session, server: str) -> None:
        """Say all of it to the session."""
        variant = session.variant
        said = [answer for answer in self.said if isinstance(answer, str) or not answer.needs & ~variant]
        label = f"label={escape(self.label)}"
        if not said:
            _say(outbox, session, f":{server} ACK", label)
        elif len(said) == 1:
            _say(outbox, session, said[0], label)
        else:
            reference = f"l{outbox.seq:x}"
            _say(outbox, session, f":{server} BATCH +{reference} labeled-response", label)
            for answer in said:
                _say(outbox, session, answer, f"batch={reference}")
            _say(outbox, session, f":{server} BATCH -{reference}", "")


def _say(outbox: Outbox, session: Session, answer: str | Event, tags: str) -> None:
    if isinstance(answer, str):
        outbox.to_session(session, encode(f"@{tags} {answer}" if tags else answer))
    else:
        outbox.to_session(session, answer.render_with(session.variant, tags))
