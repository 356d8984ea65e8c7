"""What one command is answered, as data: single replies, batches of them, and the whole reply to a labelled command.

Source: IRCv3 labeled-response and batch. ``chat.delivery.replies`` says how they are sent.
"""

from __future__ import annotations

from chatroom.chat.events import Event


class Batch:
    """Replies that belong together, for a client that negotiated ``batch``."""

    __slots__ = ("is_open", "kind", "reference", "replies")

    def __init__(self, reference: str, kind: str) -> None:
        self.reference = reference
        """Its name on the wire (``Outbox.reference``)."""
        self.kind = kind
        """Its type, with its parameters: ``chathistory #tea``."""
        self.replies: list[Reply] = []
        """The replies in it that are not sent yet."""
        self.is_open = False
        """True if the line that opens it was sent: the rest comes in a later tick."""


Reply = str | Event | Batch
"""One reply to a session: a line without its line end, an event, or a batch."""


class LabelledReply:
    """The replies to one labelled command of a session. They are gathered until the command is done."""

    __slots__ = ("batch", "label", "replies", "stored")

    def __init__(self, label: str) -> None:
        self.label = label
        self.replies: list[Reply] = []
        self.batch: Batch | None = None
        """The batch that all of it is in; None until it is known that it needs one."""
        self.stored: list[int] = []
        """The numbers of the command's messages that are refused if they cannot be stored."""
