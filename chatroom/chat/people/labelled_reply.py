"""What one command is answered, as data: single replies, batches of them, and the whole reply to a labelled command.

Source: IRCv3 labeled-response and batch. ``Outbox.send_labelled`` says how a label is sent.
"""

from __future__ import annotations

from chatroom.chat.events import Event


class Batch:
    """Replies that belong together, for a client that negotiated ``batch``."""

    __slots__ = ("kind", "reference", "replies")

    def __init__(self, reference: str, kind: str) -> None:
        self.reference = reference
        """Its name on the wire (``Outbox.reference``)."""
        self.kind = kind
        """Its type, with its parameters: ``chathistory #tea``."""
        self.replies: list[Reply] = []


Reply = str | Event | Batch
"""One reply to a session: a line without its line end, an event, or a batch."""


class LabelledReply:
    """The replies to one labelled command of a session. They are gathered until the command is done."""

    __slots__ = ("label", "replies")

    def __init__(self, label: str) -> None:
        self.label = label
        self.replies: list[Reply] = []
