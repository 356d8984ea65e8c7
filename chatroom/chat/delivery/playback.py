"""Playback: history entries become events again, with the time and the msgid that they had."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatroom.chat.events import REPEATED_TAG_BYTES, Event, RelayedEvent, Stamp
from chatroom.chat.stored.entries import Entry, EntryFlag, Kind, split_parts
from chatroom.irc import caps

_LINE_OVERHEAD = 160
"""About how many bytes a line has beside text and client-only tags: time, msgid, batch, source and target."""


def to_event(entry: Entry) -> Event:
    """Make the event of an entry, with its time and msgid. From any thread, so that the tick need not spend the time.

    The event has no sequence number: ``Outbox.number`` gives it one when it is said.
    """
    if entry.flags & EntryFlag.RELAYED:
        relayed_by = entry.source.partition("!")[2].partition("@")[0]
        event: Event = RelayedEvent(entry.source, _BODIES[entry.kind](entry), relayed_by)
    else:
        event = Event(entry.source, _BODIES[entry.kind](entry), account=entry.account or None)
    event.client_tags = entry.client_tags
    event.bot = bool(entry.flags & EntryFlag.BOT)
    event.stored_msgid = entry.msgid
    event.stamp = Stamp(entry.time_ms, "")
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

    It is at least one, so that a client that asks for the next entries makes progress.
    """
    room = most_bytes
    # Counted from the end that the client continues from: what does not fit is what it asks for next.
    for position, entry in enumerate(reversed(entries) if newest else entries):
        room -= size_of(entry)
        if room < 0 and position:
            return entries[-position:] if newest else entries[:position]
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
