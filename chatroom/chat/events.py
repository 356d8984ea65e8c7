"""What happens in the chat, as those who see it read it.

An event is rendered once per *variant* (the set of capabilities that change its bytes), never once per reader. What a
capability does to a line stands here and nowhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.irc import caps
from chatroom.irc.framing import encode
from chatroom.irc.message import escape

if TYPE_CHECKING:
    from chatroom.chat.user import User


class Stamp:
    """What all events of one tick share: the time, and where their ids begin."""

    __slots__ = ("id_prefix", "time_ms", "time_tag")

    def __init__(self, time_ms: int, id_prefix: str) -> None:
        self.time_ms = time_ms
        self.id_prefix = id_prefix
        moment = datetime.fromtimestamp(time_ms / 1000, UTC)
        self.time_tag = f"time={moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


class Event:
    """One line that several people may read.

    ``needs`` is the capability without which a reader is sent nothing; ``alternative`` is the body for readers with
    a capability, as (capability, body).
    """

    __slots__ = ("account", "alternative", "body", "bot", "client_tags", "needs", "rendered", "seq", "source", "stamp")

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
        self.rendered: dict[int, bytes] = {}
        self.seq = 0
        self.stamp: Stamp | None = None

    @classmethod
    def by(cls, user: User, body: str, *, needs: int = 0) -> Event:
        """Something that somebody does, in their own name; not numbered yet."""
        event = cls(user.prefix, body, account=user.account_name, needs=needs)
        event.bot = user.bot
        return event

    @property
    def msgid(self) -> str:
        """The message's id; unique for as long as the server lives, and beyond by its start's prefix."""
        assert self.stamp is not None
        return f"{self.stamp.id_prefix}{self.seq:x}"

    def render(self, variant: int) -> bytes:
        """The bytes for readers of ``variant``; empty where they are not to be told."""
        line = self.rendered.get(variant)
        if line is None:
            line = self.rendered[variant] = self.render_with(variant, "")
        return line

    def render_with(self, variant: int, extra_tags: str) -> bytes:
        """As ``render``, with further tags (a label, a batch) for one reader; not remembered."""
        if self.needs & ~variant:
            return b""
        body = self.body
        if self.alternative is not None and variant & self.alternative[0]:
            body = self.alternative[1]
        line = f":{self.source} {body}"
        tags = self._tags(variant, extra_tags)
        return encode(f"@{tags} {line}" if tags else line)

    def _tags(self, variant: int, extra_tags: str) -> str:
        parts = [extra_tags] if extra_tags else []
        stamp = self.stamp
        if variant & caps.SERVER_TIME and stamp is not None:
            parts.append(stamp.time_tag)
        if variant & caps.ACCOUNT_TAG and self.account is not None:
            parts.append(f"account={escape(self.account)}")
        if variant & caps.MESSAGE_TAGS and stamp is not None:
            parts.append(f"msgid={self.msgid}")
            if self.bot:
                parts.append("bot")
            if self.client_tags:
                parts.append(self.client_tags)
        return ";".join(parts)
