"""What a user says in one PRIVMSG, NOTICE or TAGMSG, before it is sent to its targets."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from chatroom.irc import caps, numerics
from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.message import format_tags

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.entries import Part
    from chatroom.chat.world import World
    from chatroom.commands.context import Context
    from chatroom.irc.numerics import Numeric


_PASSING = ("+typing", "+draft/typing")
"""Client-only tags of a TAGMSG that mean nothing a moment later."""

_NAMING = ("+draft/reply", "+reply", "+draft/channel-context", "+channel-context")
"""Client-only tags that name a message or a channel, and say nothing by themselves."""
_MEANT = ("+draft/reply", "+reply", "+draft/react", "+draft/unreact", "+draft/channel-context", "+channel-context")
"""Client-only tags that a message cannot be read without: they are kept before others."""
KEPT_TAG_BYTES = 512
"""The most client-only tags of a message that the history keeps. A message may have eight times as many: readers get
them, but for the database they would be eight times a full line of text, from guests too."""


def _choose_kept(tags: dict[str, str]) -> str:
    """Return the client-only tags to keep, those that mean something first, as many as the bound has room for."""
    kept, size = {}, 0
    for name in (*_MEANT, *tags):
        if name in tags and name not in kept and name.startswith("+") and name not in _PASSING:
            added = len(format_tags({name: tags[name]}).encode()) + 1
            if size + added <= KEPT_TAG_BYTES + 1:
                kept[name] = tags[name]
                size += added
    return format_tags(kept)


class Utterance:
    """One message of a user, for all of its targets. It lives until it is sent, which may be after a ``Pending``."""

    __slots__ = ("client_tags", "context", "kept_tags", "parts", "session", "text", "user", "verb", "world")

    def __init__(self, context: Context, text: str, parts: list[Part] | None = None) -> None:
        session = context.session
        user = session.user
        assert user is not None, "the verb is for registered sessions"
        self.context = context
        self.world: World = context.world
        self.session: Session = session
        self.user: User = user
        self.verb = context.verb
        """``PRIVMSG``, ``NOTICE`` or ``TAGMSG``."""
        self.text = text
        """The text. Empty for a TAGMSG; the first line of a multiline message."""
        self.parts = parts
        """The lines of a multiline message; None for any other message."""
        self.client_tags = ""
        """The sender's client-only tags (``+name``), as they go over the wire; empty if there are none."""
        tags = context.tags
        if tags and session.caps & caps.MESSAGE_TAGS:
            self.client_tags = format_tags({name: value for name, value in tags.items() if name.startswith("+")})
        self.kept_tags = self.client_tags
        """The client-only tags that the history has, within a bound; empty for a TAGMSG that it does not have."""
        if tags and self.client_tags and self.verb == "TAGMSG" and not tags.keys().isdisjoint(_PASSING):
            passed = {name: value for name, value in tags.items() if name.startswith("+") and name not in _PASSING}
            self.kept_tags = format_tags(passed)
        if tags and len(self.kept_tags) > KEPT_TAG_BYTES:
            self.kept_tags = _choose_kept(tags)

    @property
    def whole_text(self) -> str:
        """All that it says: of a multiline message every line, as its readers see them."""
        if self.parts is None:
            return self.text
        return "".join(part.text if part.concat else f"\n{part.text}" for part in self.parts)

    @property
    def tag_texts(self) -> list[str]:
        """The texts in its client-only tags that readers may be shown, such as that of a reaction."""
        if not self.client_tags:
            return []
        tags = self.context.tags or {}
        others = (*_PASSING, *_NAMING)
        return [value for name, value in tags.items() if value and name.startswith("+") and name not in others]

    @property
    def may_be_kept(self) -> bool:
        """True if it says something. That is not so for a TAGMSG that says nothing, or only that the user is typing."""
        return self.verb != "TAGMSG" or bool(self.kept_tags)

    @property
    def has_ctcp_request(self) -> bool:
        """True if a line of the message is one that a client may answer by itself."""
        # The other lines of a multiline message reach clients without the capability as messages of their own.
        texts = [self.text] if self.parts is None else [part.text for part in self.parts]
        return any(map(is_ctcp_request, texts))

    @property
    def is_kept(self) -> bool:
        """True if the history has it. CTCP is for who is present: a client would answer a replayed request."""
        return self.may_be_kept and not self.has_ctcp_request

    def refuse_broken_ctcp(self, event: Event) -> bool:
        """Refuse a message with CTCP in it that its readers would read in more parts than it was sent in.

        In parts it would not be CTCP any more, or a part would become CTCP. Returns False if the message can be sent.
        """
        parts = event.parts
        if parts is None or len(parts) == len(self.parts or ()) or not any("\x01" in part.text for part in parts):
            return False
        self.refuse(numerics.ERR_INPUTTOOLONG)
        return True

    def event_for(self, target: str, conversation: Hashable = None) -> Event:
        """Make the event for one target. ``target`` is the name that readers see.

        The line of the sender may be too long for readers, who read its source too. Then it is an event in parts.

        ``conversation`` is where it is said (``ConversationTimes``); None if nothing of it is ever stored.
        """
        user, verb = self.user, self.verb
        if verb == "TAGMSG":
            event = self.world.outbox.event(user.prefix, f"TAGMSG {target}", user, conversation)
            event.needs = caps.MESSAGE_TAGS
        else:
            event = self.world.outbox.event(user.prefix, "", user, conversation)
            if self.parts is not None:
                event.set_parts(f"{verb} {target}", self.parts)
            else:
                event.set_text(f"{verb} {target}", self.text)
        event.client_tags = self.client_tags
        return event

    def echo(self, event: Event) -> None:
        """Send the event to the session that said it, if it negotiated echo-message."""
        if self.session.caps & caps.ECHO_MESSAGE:
            self.context.say(event)

    def refuse(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        """Refuse the message with a numeric. A NOTICE is refused silently.

        Source: Modern IRC Client Protocol, "NOTICE message": no reply, so that two programs never answer each other.
        """
        if self.verb != "NOTICE":
            self.context.reply(numeric, *params, text=text)
