"""Playback: history entries become events again, with the time and the msgid that they had."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatroom.chat.events import REPEATED_TAG_BYTES, Event, RelayedEvent
from chatroom.chat.stored.entries import Entry, EntryFlag, Kind, split_parts
from chatroom.irc import caps

# As numbers: an operation on an enum takes as long as the rest of an event.
_RELAYED, _BOT = int(EntryFlag.RELAYED), int(EntryFlag.BOT)
_LINE_OVERHEAD = 160
"""About how many bytes a line has beside text and client-only tags: time, msgid, batch, source and target."""


def to_event(entry: Entry) -> Event:
    """Make the event of an entry, with its time and msgid. From any thread, so that the tick need not spend the time.

    The event has no sequence number: ``Outbox.number`` gives it one when it is said.
    """
    flags = entry.flags
    if flags & _RELAYED:
        relayed_by = entry.source.partition("!")[2].partition("@")[0]
        event: Event = RelayedEvent(entry.source, _BODIES[entry.kind](entry), relayed_by)
    else:
        event = Event(entry.source, _BODIES[entry.kind](entry), account=entry.account or None)
    event.client_tags = entry.client_tags
    event.bot = bool(flags & _BOT)
    event.message_id, event.time_ms = entry.message_id, entry.time_ms
    if entry.kind is Kind.TAGMSG:
        event.needs = caps.MESSAGE_TAGS
    elif entry.kind is Kind.REDACT:
        event.needs = caps.MESSAGE_REDACTION
    elif entry.kind is Kind.JOIN:
        # The text of a JOIN is the realname, which only extended-join shows.
        extended = f"JOIN {entry.target} {entry.account or '*'} :{entry.text}"
        event.alternative = caps.EXTENDED_JOIN, extended
    elif not entry.kind.is_event:
        parts = split_parts(entry.text)
        if parts is not None:
            event.set_parts(f"{entry.kind.name} {entry.target}", parts)
        else:
            event.set_text(f"{entry.kind.name} {entry.target}", entry.text)
    return event


def fit(entries: Sequence[Entry], most_bytes: int, *, newest: bool) -> Sequence[Entry]:
    """Return as many entries as fit into ``most_bytes`` when they are sent: the oldest, or the ``newest``.

    It is at least one, so that a client that asks for the next entries makes progress. The client may ask for those
    before or after a time, so the answer does not end within a millisecond, unless it is all of one.
    """
    room = most_bytes
    whole = 0
    """How many entries there are up to the last change of the millisecond."""
    # Counted from the end that the client continues from: what does not fit is what it asks for next.
    in_order = entries[::-1] if newest else entries
    for position, entry in enumerate(in_order):
        room -= size_of(entry)
        if position and entry.time_ms != in_order[position - 1].time_ms:
            whole = position
        if room < 0 and position:
            count = whole or position
            return entries[-count:] if newest else entries[:count]
    return entries


def size_of(entry: Entry) -> int:
    """About how many bytes an entry has when it is sent."""
    # Each line of a multiline message is sent with a source and tags of its own.
    lines = 1 + entry.text.count("\n") + entry.text.count("\r")
    tag_bytes = len(entry.client_tags.encode())
    if tag_bytes <= REPEATED_TAG_BYTES:
        tag_bytes *= lines
    return lines * _LINE_OVERHEAD + len(entry.text.encode()) + tag_bytes


def _said(entry: Entry) -> str:
    return f"{entry.kind.name} {entry.target} :{entry.text}"


def _parted(entry: Entry) -> str:
    return f"PART {entry.target} :{entry.text}" if entry.text else f"PART {entry.target}"


def _word_and_reason(entry: Entry) -> str:
    word, _, reason = entry.text.partition(" ")
    head = f"{entry.kind.name} {entry.target} {word}"
    return f"{head} :{reason}" if reason else head


_BODIES: dict[Kind, Callable[[Entry], str]] = {
    Kind.PRIVMSG: _said,
    Kind.NOTICE: _said,
    Kind.TAGMSG: lambda entry: f"TAGMSG {entry.target}",
    Kind.TOPIC: _said,
    Kind.JOIN: lambda entry: f"JOIN {entry.target}",
    Kind.PART: _parted,
    Kind.QUIT: lambda entry: f"QUIT :{entry.text}",
    Kind.KICK: _word_and_reason,
    Kind.MODE: lambda entry: f"MODE {entry.target} {entry.text}",
    Kind.NICK: lambda entry: f"NICK {entry.text}",
    Kind.REDACT: _word_and_reason,
}
