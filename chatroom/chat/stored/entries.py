"""The entries of the history: their message ids, their conversations, and the bounds of a query.

**Message id.** Every event has a number that gives both its time and its order, whether or not it becomes an entry. It
is at least the event's time in Unix milliseconds times 1,024, and always greater than the message id before it
(``Outbox.seq``). It follows that:

* message ids go up even if the clock is set back;
* no message id is given out twice, not after a restart and not in a database made anew;
* the message id of what was not stored is a bound all the same: it tells the place where that was said;
* an imported entry gets its place by its time.

The ``msgid`` that clients see is the message id in hexadecimal (``msgid_of``).

**Time.** Within a conversation each entry is later than the one before, by a millisecond at least, so that a time is as
good a bound as a message id. If more is said than that, the times run ahead of the clock, by at most
``MOST_AHEAD_MS``; from there on entries share a millisecond. They also do if they were imported from an archive of
whole seconds, or if the clock was set back. So an answer that is paged by time never ends within a millisecond.

**Conversation.** Every entry belongs to a channel, to a pair of accounts, or to an account and the nick of a guest
(``Conversation``).

**Bound.** A query names its ends by a message id or by a time (``Bound``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from chatroom.irc.names import casefold

IDS_PER_MS: Final = 1024
"""So many lines can be said in one millisecond before message ids run ahead of the clock: a million a second, far more
than the daemon can say. The largest message id is reached in the year 287396."""
_LARGEST = 2**63 - 1
MOST_AHEAD_MS: Final = 1000
"""How far the times of a conversation may be ahead of the clock: a thousand entries in one go."""
_MSGID = re.compile(r"[1-9a-f][0-9a-f]{0,15}")
# No line of IRC holds either of them, so they can separate the lines of a multiline message.
_NEW_LINE, _SAME_LINE = "\n", "\r"


def first_message_id(time_ms: int) -> int:
    """The lowest message id that an entry of ``time_ms`` (Unix milliseconds) can have."""
    return time_ms * IDS_PER_MS


def time_ms_of(message_id: int) -> int:
    """The time in a message id, in Unix milliseconds.

    It is later than the entry's time if the clock was set back, or if another conversation is ahead of the clock.
    """
    return message_id // IDS_PER_MS


def next_message_id(last: int, time_ms: int) -> int:
    """The message id for an entry of ``time_ms``. ``last`` is the highest message id given out so far, 0 for none."""
    first = time_ms * IDS_PER_MS
    return first if first > last else last + 1


def msgid_of(message_id: int) -> str:
    """The text of a message id, as clients see it."""
    return f"{message_id:x}"


def message_id_of(msgid: str) -> int | None:
    """The message id of a text from a client; None if ``msgid_of`` never makes that text. The entry may not exist."""
    if _MSGID.fullmatch(msgid) is None:
        return None
    message_id = int(msgid, 16)
    return message_id if message_id <= _LARGEST else None


class Kind(IntEnum):
    """What an entry records: the verb of its line. Stored as its number, so a number never changes its meaning.

    All but messages and notices are *events*. The daemon itself writes no NICK or REDACT; an imported archive
    may have them.
    """

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
        """True if only sessions with the capability event-playback read it."""
        return self > Kind.NOTICE

    @property
    def has_author(self) -> bool:
        """True for what a user has said, and may delete: a message, a notice or a TAGMSG."""
        return self <= Kind.TAGMSG


class EntryFlag(IntFlag):
    """Further facts about an entry, as bits of ``Entry.flags``."""

    BOT = 1
    """The sender was a bot (IRCv3 bot mode)."""
    RELAYED = 2
    """A bridge has said it for a person on another network. The user name in the source is the nick of the bridge."""


Conversation = str | tuple[int, int] | tuple[int, str]
"""A channel by its name, in any case; two accounts by their ids, in the order that ``direct`` gives; or an account and
the nick of a guest, in any case. The last one is kept for the account alone.
"""


def direct(one: int, other: int) -> tuple[int, int]:
    """The conversation of two accounts, given their ids. The ids are equal for an account's messages to itself."""
    return (one, other) if one <= other else (other, one)


def folded(conversation: Conversation) -> Conversation:
    """The conversation with its name or nick casefolded, so that it can be compared."""
    if isinstance(conversation, str):
        return casefold(conversation)
    one, other = conversation
    return (one, casefold(other)) if isinstance(other, str) else (one, other)


class Entry(NamedTuple):
    """One kept message or event. The line of a message was ``f":{source} {kind.name} {target} :{text}"``."""

    message_id: int
    time_ms: int
    """The time that was sent with it, in Unix milliseconds. It may be lower than that of the message id before it, if
    the clock was set back.
    """
    conversation: Conversation
    kind: Kind
    source: str
    """The sender then, as ``nick!user@host``."""
    account_id: int | None
    """The sender's account; None for a guest."""
    account: str
    """The account's name then; empty for a guest."""
    target: str
    """The nick that a direct message was sent to, or the channel's name as the sender wrote it."""
    text: str
    """What followed verb and target in the line: the text, the topic or the reason. For JOIN it is the real name, for
    KICK nick and reason with a space between them, for MODE the letters and their parameters, for NICK the new nick,
    for REDACT msgid and reason.

    The text of a multiline message is what ``join_parts`` makes of its lines.
    """
    client_tags: str = ""
    """The client-only tags as they stand in a line (``+typing=done;+x``)."""
    flags: int = 0
    """``EntryFlag`` values."""

    @property
    def msgid(self) -> str:
        """The text of the message id, as clients see it."""
        return msgid_of(self.message_id)


EntryRow = tuple[int, int, Conversation, int, str, int | None, str, str, str, str, int]
"""The values of an ``Entry`` in its order, for ``Journal.write``. A plain tuple is made quicker than an ``Entry``."""


class Part(NamedTuple):
    """One line of a multiline message."""

    text: str
    concat: bool
    """True if it continues the line before it, False if it begins a new one."""


def join_parts(parts: Iterable[Part]) -> str:
    """The lines of a multiline message as one text. No line may hold a line end."""
    text = "".join([(_SAME_LINE if part.concat else _NEW_LINE) + part.text for part in parts])
    # The first separator goes, because the first line always begins one. The last one is the mark of a multiline
    # message: without it, one with a single line would look like plain text.
    return text[1:] + _NEW_LINE


def split_parts(text: str) -> list[Part] | None:
    """The lines of a text that ``join_parts`` made; None for the text of a plain message."""
    if not text.endswith(_NEW_LINE):
        return None
    parts = []
    for line in text[:-1].split(_NEW_LINE):
        for position, piece in enumerate(line.split(_SAME_LINE)):
            parts.append(Part(piece, position > 0))
    return parts


class AtMessageId(NamedTuple):
    """A bound at a message id. There need not be an entry with it."""

    message_id: int


class AtTime(NamedTuple):
    """A bound at a time in Unix milliseconds. All entries of that millisecond are at the bound."""

    time_ms: int


Bound = AtMessageId | AtTime
"""One end of a query. It also chooses the order: by message id, or by time and then message id if a bound is a time.
The two orders differ only if the clock was set back.
"""


class LastSaid(NamedTuple):
    """A conversation, and the time of its last message in Unix milliseconds, and its message id."""

    conversation: Conversation
    time_ms: int
    message_id: int


class Search(NamedTuple):
    """A search for messages that have all words of ``text`` and meet all other conditions."""

    text: str
    """Words, and phrases in double quotes. May be empty if a sender or a conversation is given."""
    conversations: Sequence[Conversation] | None = None
    """The conversations to search. None means all, if ``account_id`` is None too: for the operator."""
    account_id: int | None = None
    """The account whose direct messages are searched as well."""
    sender: str = ""
    """The nick or account of the sender, in any case. Empty means any sender."""
    after: Bound | None = None
    before: Bound | None = None
    limit: int = 100
    oldest: bool = False
    """True to find the oldest ``limit`` messages if there are more, False to find the newest."""
    up_to: int | None = None
    """The highest message id to find. None means no bound."""


class IndexLag(NamedTuple):
    """How far the index is behind the history, in entries."""

    came: int
    """Entries written since the last look; at the first look the same as ``waiting``."""
    waiting: int
    """Entries that are not indexed yet."""


class LogTrim(NamedTuple):
    """The result of ``HistoryUpkeep.trim_log``."""

    bytes: int
    """The size of the write-ahead log afterwards."""
    held_s: float
    """How long the write lock was held."""
    trimmed: bool
    """True if the log begins anew with the next commit, or was short enough. False if another connection prevented it.
    """
