"""The answer to a labelled command: gathered while the verb runs, sent whole when it is done; and batches within it.

Source: IRCv3 labeled-response and batch. No line is answered with an ACK, one line carries the label itself, and so
does a batch that is all there is; more become a batch that carries it: the label is on exactly one logical message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.events import Event
from chatroom.irc.framing import encode
from chatroom.irc.message import escape

if TYPE_CHECKING:
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.people.session import Session


class Batch:
    """Lines that belong together, for a client that negotiated ``batch``. ``kind`` is its type with its parameters."""

    __slots__ = ("kind", "reference", "said")

    def __init__(self, reference: str, kind: str) -> None:
        self.reference = reference
        self.kind = kind
        self.said: list[Answer] = []


Answer = str | Event | Batch
"""What a session may be answered: a line, an event, or several of them in a batch."""


class Answers:
    """What one labelled command of one session is answered, in order."""

    __slots__ = ("label", "said")

    def __init__(self, label: str) -> None:
        self.label = label
        self.said: list[Answer] = []

    def send(self, outbox: Outbox, session: Session, server: str) -> None:
        """Say all of it to the session."""
        variant = session.variant
        said = [answer for answer in self.said if not isinstance(answer, Event) or not answer.needs & ~variant]
        label = f"label={escape(self.label)}"
        if not said:
            send_answer(outbox, session, f":{server} ACK", server, label)
        elif len(said) == 1:
            send_answer(outbox, session, said[0], server, label)
        else:
            batch = Batch(outbox.reference(), "labeled-response")
            batch.said = said
            send_answer(outbox, session, batch, server, label)


def send_answer(
    outbox: Outbox, session: Session, answer: Answer, server: str, tags: str = "", closing_tags: str = ""
) -> None:
    """Say one answer to a session, with further tags; a batch has them at its opening.

    ``closing_tags`` are those of a batch's closing line: none, but within another batch that one's name.
    """
    if isinstance(answer, str):
        outbox.to_session(session, encode(f"@{tags} {answer}" if tags else answer))
    elif isinstance(answer, Event):
        outbox.copy_to_session(session, answer.render_with(session.variant, tags), answer)
    else:
        inside = f"batch={answer.reference}"
        send_answer(outbox, session, f":{server} BATCH +{answer.reference} {answer.kind}", server, tags)
        for each in answer.said:
            send_answer(outbox, session, each, server, inside, inside)
        send_answer(outbox, session, f":{server} BATCH -{answer.reference}", server, closing_tags)
