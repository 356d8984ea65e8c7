"""What happens in the chat, as those who see it read it.

An event is rendered once per *variant* (the set of capabilities that change its bytes), never once per reader. What a
capability does to a line stands here and nowhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime

from chatroom.chat.stored.entries import Part
from chatroom.irc import caps
from chatroom.irc.framing import LINE_BYTES, encode
from chatroom.irc.message import escape

CONCAT_TAG = "draft/multiline-concat"


class Stamp:
    """What all events of one tick share: the time, and where their ids begin."""

    __slots__ = ("_time_tag", "id_prefix", "time_ms")

    def __init__(self, time_ms: int, id_prefix: str) -> None:
        self.time_ms = time_ms
        self.id_prefix = id_prefix
        self._time_tag = ""

    @property
    def time_tag(self) -> str:
        """The tag that tells the time (IRCv3 server-time); made for the first who asks for it."""
        if not self._time_tag:
            moment = datetime.fromtimestamp(self.time_ms / 1000, UTC)
            self._time_tag = f"time={moment:%Y-%m-%dT%H:%M:%S}.{self.time_ms % 1000:03d}Z"
        return self._time_tag


class Event:
    """One line that several people may read, or one message of several lines (``set_parts``).

    ``needs`` is the capability without which a reader is sent nothing; ``alternative`` is the body for readers with
    a capability, as (capability, body).
    """

    __slots__ = (
        "_plain",
        "_rendered",
        "account",
        "alternative",
        "body",
        "bot",
        "client_tags",
        "needs",
        "parts",
        "seq",
        "source",
        "stamp",
        "stored_msgid",
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
        self.body = body
        self.account = account
        self.bot = False
        """Whether a bot said it (IRCv3 bot mode)."""
        self.client_tags = client_tags
        self.needs = needs
        self.alternative = alternative
        self.parts: list[Part] | None = None
        """The lines of a multiline message; ``body`` is its verb and target then."""
        self._plain: bytes | None = None
        self._rendered: dict[int, bytes] | None = None
        """Its bytes by variant; those of readers without any capability are in ``_plain``."""
        self.stored_msgid = ""
        """The id under which the history has it, where it is kept."""
        self.seq = 0
        self.stamp: Stamp | None = None

    @property
    def msgid(self) -> str:
        """The message's id; unique for as long as the server lives, and beyond by its start's prefix."""
        if self.stored_msgid:
            return self.stored_msgid
        assert self.stamp is not None
        return f"{self.stamp.id_prefix}{self.seq:x}"

    def render(self, variant: int) -> bytes:
        """The bytes for readers of ``variant``; empty where they are not to be told."""
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
        """As ``render``, with further tags (a label, a batch) for one reader; not remembered."""
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

    def set_parts(self, body: str, parts: list[Part]) -> None:
        """Make it a message of several lines; ``body`` is its verb and target (``PRIVMSG #c``).

        A line that is too long behind our source goes on in a further one.
        """
        self.body, self.parts = body, []
        room = LINE_BYTES - len(f":{self.source} {body} :".encode())
        for text, concat in parts:
            data = text.encode()
            while len(data) > room:
                piece = data[:room].decode(errors="ignore")
                self.parts.append(Part(piece, concat))
                data, concat = data[len(piece.encode()) :], True
            self.parts.append(Part(data.decode(), concat))

    def _render_parts(self, parts: list[Part], variant: int, extra_tags: str) -> bytes:
        """IRCv3 multiline: a batch for those who know it, to the others line by line without the empty ones."""
        tags = self._tags(variant, extra_tags)
        outer = extra_tags if extra_tags.startswith("batch=") else ""  # a label is on one line only
        if not variant & caps.MULTILINE:
            lines = []
            for part in parts:
                if part.text:
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
        """The tags of its line; of several lines only the ``first`` has an id and the clients' own tags."""
        parts = [extra_tags] if extra_tags else []
        stamp = self.stamp
        if variant & caps.SERVER_TIME and stamp is not None:
            parts.append(stamp.time_tag)
        if variant & caps.ACCOUNT_TAG and self.account is not None:
            parts.append(f"account={escape(self.account)}")
        if variant & caps.MESSAGE_TAGS and stamp is not None:
            if first:
                parts.append(f"msgid={self.msgid}")
            if self.bot:
                parts.append("bot")
            if first and self.client_tags:
                parts.append(self.client_tags)
        return ";".join(parts)


def _encode(line: str, tags: str) -> bytes:
    return encode(f"@{tags} {line}" if tags else line)
