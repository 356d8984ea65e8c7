"""What is kept of what was said: the entries of the history, their numbers, and what may be asked of it.

**Numbers.** Everything kept has a number that says when it was said *and* its place in the order: it is at least the
moment's Unix milliseconds times 1,024, and always more than the number before (``next_message_id``). So numbers go up
whatever the clock does, one is never given out twice, not in a later run nor in a database made anew, and what is
imported finds its place by its time. The ``msgid`` that clients see is the number written in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum, IntFlag
from typing import NamedTuple

from chatroom.chat.events import Part

_TICKS_PER_MS = 1024
_LARGEST = 2**63 - 1
_MSGID = re.compile(r"[1-9a-f][0-9a-f]{0,15}")
_NEW_LINE, _SAME_LINE = "\n", "\r"


def first_message_id(time_ms: int) -> int:
    """The lowest number that something said at ``time_ms`` may have."""
    return time_ms * _TICKS_PER_MS


def time_ms_of(number: int) -> int:
    """The moment that a number tells: when it was given out, or later where a clock was set back before."""
    return number // _TICKS_PER_MS


def next_message_id(last: int, time_ms: int) -> int:
    """The number of what is said at ``time_ms``, ``last`` being the highest given out so far."""
    first = time_ms * _TICKS_PER_MS
    return first if first > last else last + 1


def msgid_of(number: int) -> str:
    """The id that clients see."""
    return f"{number:x}"


def message_id_of(msgid: str) -> int | None:
    """The number that an id stands for; None where it is no id of ours. There may be no entry of that number."""
    if _MSGID.fullmatch(msgid) is None:
        return None
    number = int(msgid, 16)
    return number if number <= _LARGEST else None


class Kind(IntEnum):
    """What an entry is: the verb of its line. All but messages and notices are *events*, which few clients ask for."""

    PRIVMSG = 1
    NOTICE = 2
    TAGMSG = 3
    TOPIC = 4
    JOIN = 5
    PART = 6
    QUIT = 7
    KICK = 8
    MODE = 9
    NICK = 10
    REDACT = 11

    @property
    def is_event(self) -> bool:
        """Whether it is told only to those who negotiated event-playback."""
        return self > Kind.NOTICE


class EntryFlag(IntFlag):
    """What else there is to know of an entry."""

    BOT = 1
    """A bot said it (IRCv3 bot mode)."""


Conversation = str | tuple[int, int]
"""Where something was said: a channel by its name, in any case, or a pair of accounts (``direct``)."""


def direct(one: int, other: int) -> tuple[int, int]:
    """The conversation of two accounts, whose ids these are; they may be the same."""
    return (one, other) if one <= other else (other, one)


class Entry(NamedTuple):
    """Something kept. ``f":{source} {kind.name} {target} :{text}"`` is a message's line."""

    message_id: int
    time_ms: int
    """When, in Unix milliseconds, as it was told; may go backward from one number to the next where a clock was set."""
    conversation: Conversation
    kind: Kind
    source: str
    """``nick!user@host`` as it was told."""
    account_id: int | None
    account: str
    """The account's name as it was then; empty for a guest."""
    target: str
    """For a direct message the nick it was sent to; for a channel its name as it was written."""
    text: str
    """What stood behind verb and target: the text, the topic, the reason; for KICK nick and reason with a space between
    them, for MODE the letters and their parameters, for NICK the new nick, for REDACT msgid and reason.

    A message of several lines holds what ``join_parts`` made of them.
    """
    client_tags: str = ""
    """The client-only tags, as they stand in a line (``+typing=done;+x``)."""
    flags: int = 0
    """``EntryFlag`` values."""

    @property
    def msgid(self) -> str:
        """The id that clients see."""
        return msgid_of(self.message_id)


EntryRow = tuple[int, int, Conversation, int, str, int | None, str, str, str, str, int]
"""An entry on its way to the disk: an ``Entry``, or the plain tuple of its values, which is quicker to make."""


def join_parts(parts: Iterable[Part]) -> str:
    """The lines of a multiline message as one text; no line has a line end in it."""
    text = "".join([(_SAME_LINE if part.concat else _NEW_LINE) + part.text for part in parts])
    # A first line always begins one. The end tells a message of a single part from plain text.
    return text[1:] + _NEW_LINE


def split_parts(text: str) -> list[Part] | None:
    """The lines that ``join_parts`` was given; None for a message of one line."""
    if not text.endswith(_NEW_LINE):
        return None
    parts = []
    for line in text[:-1].split(_NEW_LINE):
        for position, piece in enumerate(line.split(_SAME_LINE)):
            parts.append(Part(piece, position > 0))
    return parts


class AtMessageId(NamedTuple):
    """A place in a conversation: at that number, whether an entry has it or not."""

    message_id: int


class AtTime(NamedTuple):
    """A place in a conversation: at that moment, in Unix milliseconds."""

    time_ms: int


Bound = AtMessageId | AtTime


class LastSaid(NamedTuple):
    """A conversation, and when the last message in it was said."""

    conversation: Conversation
    time_ms: int


class Search(NamedTuple):
    """What is looked for: messages with all of the words in ``text``. Answered oldest first."""

    text: str
    """Words and quoted phrases; may be empty where there is a sender or a place to look in."""
    conversations: Sequence[Conversation] | None = None
    """Where to look, and nowhere else; None means everywhere, for the operator."""
    account_id: int | None = None
    """Also in this account's direct messages."""
    sender: str = ""
    """Only of this nick or account, whatever its case."""
    after: Bound | None = None
    before: Bound | None = None
    limit: int = 100
    oldest: bool = False
    """Whether the oldest ones are meant where there are more than ``limit``, instead of the newest."""


class Backlog(NamedTuple):
    """What the index has yet to learn, in entries."""

    came: int
    """How many were written since somebody looked the last time; the first time it is as many as wait."""
    waiting: int
    """How many it does not know."""


class LogTrim(NamedTuple):
    """What came of keeping the write-ahead log small."""

    bytes: int
    """Its size now."""
    held_s: float
    """How long the write lock was held for it."""
    trimmed: bool
    """Whether the log begins anew with the next commit, or need not."""
