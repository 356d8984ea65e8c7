"""Events: lines that several sessions read, and their bytes for each variant.

A *variant* is the set of capabilities that change the bytes of a line. An event is rendered once for each variant, not
once for each reader. What a capability does to the line of an event is decided in this module and nowhere else.
"""

from __future__ import annotations

from chatroom.chat.stored.entries import Part, msgid_of
from chatroom.irc import caps
from chatroom.irc.framing import ALWAYS_FITS, LINE_BYTES, encode
from chatroom.irc.message import escape
from chatroom.irc.packing import split_text
from chatroom.irc.times import format_time

CONCAT_TAG = "draft/multiline-concat"
RELAY_TAG = "draft/relaymsg"
REPEATED_TAG_BYTES = 512
"""The longest client-only tags that each line of a multiline message has, for readers of separate lines.

Longer ones are on the first line only: a sender could make each reader's send queue overflow with a hundred copies.
"""


class Event:
    """One line, or one multiline message (``set_parts``), that several sessions read.

    It can be rendered once it has a sequence number and a time (``Outbox.number``). Its attributes must not change
    after it was rendered, because the bytes are cached.
    """

    __slots__ = (
        "_plain",
        "_rendered",
        "account",
        "alternative",
        "body",
        "bot",
        "client_tags",
        "message_id",
        "needs",
        "parts",
        "seq",
        "source",
        "time_ms",
    )

    def __init__(
        self,
        source: str,
        body: str,
        *,
        account: str | None = None,
        client_tags: str = "",
        needs: int = 0,
        alternative: tuple[int, str] | None = None,
    ) -> None:
        self.source = source
        """``nick!user@host``, or the server's name."""
        self.body = body
        """The line behind the source: verb and parameters."""
        self.account = account
        """The account's name for the account tag; None if the source has no account."""
        self.bot = False
        """True if the source is a bot (IRCv3 bot mode)."""
        self.client_tags = client_tags
        """The client-only tags as they stand in a line (``+typing=done;+x``); empty if there are none."""
        self.needs = needs
        """Capabilities that a reader must all have; other readers are sent nothing. 0 if there are none."""
        self.alternative = alternative
        """A capability, and the body for readers with it; None if all read the same body."""
        self.parts: list[Part] | None = None
        """The lines of a multiline message, whose ``body`` is verb and target only; None for a message of one line."""
        # Readers without any capability are many: their bytes need no dict.
        self._plain: bytes | None = None
        self._rendered: dict[int, bytes] | None = None
        """The bytes by variant, except variant 0."""
        self.seq = 0
        """The sequence number; 0 until the outbox gives one."""
        self.message_id = 0
        """The message id of the history entry that is shown again; 0 for what happens now: that has its ``seq``."""
        self.time_ms = 0
        """When it happened, in Unix milliseconds; 0 until the outbox gives the time."""

    @property
    def msgid(self) -> str:
        """The id that clients see. It tells the place of the event, whether or not the history has it."""
        return msgid_of(self.message_id or self.seq)

    def render(self, variant: int) -> bytes:
        """Return the bytes for readers of ``variant``; empty if they lack what the event ``needs``."""
        if not variant:
            if self._plain is None:
                self._plain = self.render_with(0, "")
            return self._plain
        if self._rendered is None:
            self._rendered = {}
        line = self._rendered.get(variant)
        if line is None:
            line = self._rendered[variant] = self.render_with(variant, "")
        return line

    def render_with(self, variant: int, extra_tags: str) -> bytes:
        """Like ``render``, but with further tags (a label, a batch) for one reader. The bytes are not cached."""
        if self.needs & ~variant:
            return b""
        if self.parts is not None:
            return self._render_parts(self.parts, variant, extra_tags)
        if not variant and not extra_tags:
            return encode(f":{self.source} {self.body}")
        body = self.body
        if self.alternative is not None and variant & self.alternative[0]:
            body = self.alternative[1]
        return _encode(f":{self.source} {body}", self._tags(variant, extra_tags))

    def set_text(self, head: str, text: str) -> None:
        """Make it a message of one line, or in parts if one line cannot hold the text behind the source.

        ``head`` is verb and target (``PRIVMSG #c``).
        """
        body = f"{head} :{text}"
        line = f":{self.source} {body}"
        if len(line) > ALWAYS_FITS and len(line.encode()) > LINE_BYTES:
            self.set_parts(head, [Part(text, False)])
        else:
            self.body = body

    def set_parts(self, body: str, parts: list[Part]) -> None:
        """Make it a multiline message. ``body`` is its verb and target (``PRIVMSG #c``).

        A line that is too long with the source in front of it is continued in a further part.
        """
        self.body, self.parts = body, []
        room = LINE_BYTES - len(f":{self.source} {body} :".encode())
        for text, concat in parts:
            first, *others = split_text(text, room)
            self.parts.append(Part(first, concat))
            self.parts += [Part(piece, True) for piece in others]

    def _render_parts(self, parts: list[Part], variant: int, extra_tags: str) -> bytes:
        """IRCv3 multiline: a batch for readers with the capability, separate lines for the others."""
        tags = self._tags(variant, extra_tags)
        # All lines of the message belong to an outer batch; a label goes on the first line only.
        outer = extra_tags if extra_tags.startswith("batch=") else ""
        if not variant & caps.MULTILINE:
            lines = []
            for part in parts:
                if part.text:  # an empty PRIVMSG is an error to many clients
                    lines.append(_encode(f":{self.source} {self.body} :{part.text}", tags))
                    tags = self._tags(variant, outer, first=False)
            return b"".join(lines)
        reference = f"m{self.seq:x}"
        target = self.body.partition(" ")[2]
        lines = [_encode(f":{self.source} BATCH +{reference} draft/multiline {target}", tags)]
        for part in parts:
            inner = f"batch={reference};{CONCAT_TAG}" if part.concat else f"batch={reference}"
            lines.append(_encode(f":{self.source} {self.body} :{part.text}", inner))
        lines.append(_encode(f":{self.source} BATCH -{reference}", outer))
        return b"".join(lines)

    def _tags(self, variant: int, extra_tags: str, *, first: bool = True) -> str:
        """The tags of a line. Of a multiline message only the ``first`` line has the msgid."""
        parts = [extra_tags] if extra_tags else []
        if variant & caps.SERVER_TIME:
            parts.append(f"time={format_time(self.time_ms)}")
        if variant & caps.ACCOUNT_TAG and self.account is not None:
            parts.append(f"account={escape(self.account)}")
        if variant & caps.MESSAGE_TAGS:
            if first:
                parts.append(f"msgid={self.msgid}")
            if self.bot:
                parts.append("bot")
            if self.client_tags and (first or len(self.client_tags) <= REPEATED_TAG_BYTES):
                parts.append(self.client_tags)
        return ";".join(parts)


class RelayedEvent(Event):
    """A message that a bridge says for a person on another network (RELAYMSG).

    A class of its own, so that no other event has to carry the attribute.
    """

    __slots__ = ("relayed_by",)

    def __init__(self, source: str, body: str, relayed_by: str) -> None:
        super().__init__(source, body)
        self.relayed_by = relayed_by
        """The nick of the bridge, for the tag."""

    def _tags(self, variant: int, extra_tags: str, *, first: bool = True) -> str:
        tags = super()._tags(variant, extra_tags, first=first)
        if not variant & (caps.MESSAGE_TAGS | caps.RELAYMSG):
            return tags
        own = f"{RELAY_TAG}={escape(self.relayed_by)}"
        return f"{tags};{own}" if tags else own


def _encode(line: str, tags: str) -> bytes:
    return encode(f"@{tags} {line}" if tags else line)
