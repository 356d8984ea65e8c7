"""Messages of conversations as events, without a change to anything: the same for what is said now and for old pages.

Source: Modern IRC; IRCv3 message-tags, message redaction, and the client tags reply, react and typing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from chatroom.client.chat_events import (
    Event,
    Info,
    Joined,
    Kicked,
    Left,
    ModeChanged,
    Reacted,
    Redacted,
    Renamed,
    Said,
    SaidKind,
    TopicChanged,
    Typing,
)
from chatroom.client.formatting import bare
from chatroom.client.server_features import ServerFeatures
from chatroom.client.text import CTCP
from chatroom.irc.message import Message

_LONGEST_REACTION = 40
_TYPING = ("active", "paused", "done")


class Names(Protocol):
    """What must be known of the server and the user: ``chat_state.State`` does."""

    features: ServerFeatures

    def is_me(self, nick: str) -> bool:
        """Tell if ``nick`` is the user's own."""


def moment(message: Message) -> datetime | None:
    """Return the time of a message (its ``time`` tag), aware; None if the server sent none that can be read."""
    return parse_moment((message.tags or {}).get("time", ""))


def parse_moment(stamp: str) -> datetime | None:
    """Parse a time of the server, aware; None if it cannot be read."""
    try:
        at = datetime.fromisoformat(stamp)
        # Times are shown in local time. At both ends of the calendar the conversion leaves the range of datetime; year
        # 1 is what a server writes for an unknown time if it is written in Go.
        at.astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo is not None else None


def param(message: Message, index: int) -> str:
    """Return a parameter; empty if there are fewer."""
    return message.params[index] if index < len(message.params) else ""


def read_said(message: Message, names: Names) -> list[Event]:
    """Turn a PRIVMSG or NOTICE into events."""
    if len(message.params) < 2:
        return []
    target, text = message.params[0], message.params[1]
    kind: SaidKind = "message" if message.verb == "PRIVMSG" else "notice"
    if text.startswith(CTCP):
        verb, _, text = text.strip(CTCP).partition(" ")
        if verb.upper() != "ACTION":
            return []  # the client answers no CTCP request, so that nobody can make it send lines
        kind = "action"
    written = text.replace(CTCP, "")
    text = bare(written)
    formatted = written if text != written else ""
    at, tags = moment(message), message.tags or {}
    # A source without "!" is a server's.
    if kind == "notice" and "!" not in (message.source or ""):
        return [Info(text, conversation=target if names.features.is_channel(target) else "", at=at)]
    mine = names.is_me(message.nick)
    # A log has thousands of messages of few people: their names are kept once.
    nick, conversation = sys.intern(message.nick), sys.intern(_conversation(message, names))
    msgid, reply_to = tags.get("msgid", ""), _replies_to(tags)
    said = Said(conversation, nick, text, kind, mine, at, id=msgid, reply_to=reply_to, formatted=formatted)
    return [said, *_reaction(message, names)] if reply_to else [said]


def read_tags(message: Message, names: Names) -> list[Event]:
    """Turn a TAGMSG into events: a reaction, or that a user is typing. Both are about other users' lines only."""
    state = (message.tags or {}).get("+typing", "")
    if state in _TYPING:
        if names.is_me(message.nick):
            return []  # another device of the user
        return [Typing(_conversation(message, names), message.nick, state)]  # type: ignore[arg-type]
    return _reaction(message, names)


def read_redaction(message: Message, names: Names) -> list[Event]:
    """Turn a REDACT into an event."""
    msgid = param(message, 1)
    if not msgid:
        return []
    mine, at = names.is_me(message.nick), moment(message)
    return [Redacted(_conversation(message, names), msgid, message.nick, param(message, 2), mine, at)]


def _conversation(message: Message, names: Names) -> str:
    """Return the channel, or the other user, that a message is in a conversation with."""
    target = param(message, 0)
    _, bare = names.features.split_signs(target)  # @#channel goes to the operators of #channel
    if names.features.is_channel(bare):
        return bare
    return target if names.is_me(message.nick) else message.nick


def _replies_to(tags: dict[str, str]) -> str:
    return tags.get("+draft/reply") or tags.get("+reply") or ""


def _reaction(message: Message, names: Names) -> list[Event]:
    tags = message.tags or {}
    about = _replies_to(tags)
    for name, added in (("react", True), ("unreact", False)):
        reaction = tags.get(f"+draft/{name}") or tags.get(f"+{name}") or ""
        if about and reaction.strip():
            reaction = " ".join(reaction.split())[:_LONGEST_REACTION]
            mine, at = names.is_me(message.nick), moment(message)
            return [Reacted(_conversation(message, names), about, message.nick, reaction, added, mine, at)]
    return []


# What happened in a channel before


def read_old(message: Message, names: Names, conversation: str) -> list[Event]:
    """Turn a message of a page of old ones into events. It changes nothing of what is so now."""
    reader = _OLD.get(message.verb)
    return [] if reader is None else reader(message, names, conversation)


def _old_join(message: Message, names: Names, conversation: str) -> list[Event]:
    return [Joined(message.nick, conversation, names.is_me(message.nick), moment(message))]


def _old_part(message: Message, names: Names, conversation: str) -> list[Event]:
    reason = param(message, 0 if message.verb == "QUIT" else 1)
    return [Left(message.nick, (conversation,), reason, names.is_me(message.nick), moment(message))]


def _old_kick(message: Message, names: Names, conversation: str) -> list[Event]:
    nick, reason = param(message, 1), param(message, 2)
    return [Kicked(nick, conversation, message.nick, reason, names.is_me(nick), moment(message))]


def _old_nick(message: Message, names: Names, conversation: str) -> list[Event]:
    mine = names.is_me(message.nick)
    return [Renamed(message.nick, param(message, 0), mine, moment(message), (conversation,))]


def _old_topic(message: Message, names: Names, conversation: str) -> list[Event]:
    return [TopicChanged(conversation, param(message, 1), message.nick, moment(message))]


def _old_mode(message: Message, names: Names, conversation: str) -> list[Event]:
    return [ModeChanged(conversation, message.nick, param(message, 1), tuple(message.params[2:]), moment(message))]


_OLD: dict[str, Callable[[Message, Names, str], list[Event]]] = {
    "PRIVMSG": lambda message, names, conversation: read_said(message, names),
    "NOTICE": lambda message, names, conversation: read_said(message, names),
    "TAGMSG": lambda message, names, conversation: _reaction(message, names),
    "REDACT": lambda message, names, conversation: read_redaction(message, names),
    "JOIN": _old_join,
    "PART": _old_part,
    "QUIT": _old_part,
    "KICK": _old_kick,
    "NICK": _old_nick,
    "TOPIC": _old_topic,
    "MODE": _old_mode,
}
