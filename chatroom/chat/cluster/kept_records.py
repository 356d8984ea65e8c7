"""What a turn has changed, as the database keeps it with the messages of the turn.

If the node dies between PostgreSQL and the stream, the next holder of a turn tells what was stored. Messages alone are
not enough for that: the turn may have renamed the channel that they were said in, or its author has joined, or a guest
who was written to has another nick. So a turn that changes who is there and where has its records committed with its
messages. A turn that only says something does not: then the messages are enough, and this costs most turns nothing.

A message stands in the records by its id, with the channel's name of that moment: what is deleted from the history is
not kept here, and what the history does not have is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from chatroom.chat.cluster.turn_records import Record, decode_records, encode_records
from chatroom.chat.cluster.untold import untold_to_record

if TYPE_CHECKING:
    from chatroom.chat.stored.entries import Entry

_ENTRY = "entry"
_SPEECH = re.compile(r"^(?:@\S+ )?(?::\S+ )?(?:PRIVMSG|NOTICE|TAGMSG) ", re.MULTILINE)
_SAID_ONLY = frozenset(
    [
        *("tick", "end", "say", "line", "said", "slow", "action", "tries", "values"),
        *("online", "offline", "seen", "replay", "missed", "untold"),
    ]
)
"""The kinds of records that change nothing that a message refers to."""
_OF_SPEAKING = {"user": frozenset(("spoke_mono_ms",)), "channel": frozenset(("has_history",))}
"""By the kind of record: the attributes that a mere message changes."""


def must_keep(records: Iterable[tuple[int, Record]]) -> bool:
    """True if the records of a turn change what its messages may refer to."""
    return any(not _is_said_only(record) for _, record in records)


def _is_speech(record: Record) -> bool:
    """True if somebody reads a message or a notice by this record."""
    if record[0] == "say":
        return isinstance(record[2], list) and _SPEECH.match(record[2][3]) is not None
    return bool(record[0] == "line" and _SPEECH.search(record[3]))


def _is_said_only(record: Record) -> bool:
    attributes = _OF_SPEAKING.get(record[0])
    return record[0] in _SAID_ONLY if attributes is None else attributes.issuperset(record[2])


def write_kept(records: Iterable[tuple[int, Record]], message_ids: Collection[int]) -> bytes:
    """Write the records of a turn. ``message_ids`` are those of the messages that are stored with them."""
    kept: list[Record] = []
    done = set[int]()
    records = list(records)
    channels = {seq: record[1] for seq, record in records if record[0] == "say"}
    for seq, record in records:
        if seq not in message_ids:
            if not _is_speech(record):
                kept += _shorten(record)
        elif seq not in done:  # one message may be told to several, each by a record
            done.add(seq)
            kept.append(_name_entry(seq, channels.get(seq)))
    return encode_records(kept)


def read_kept(home: str, data: bytes, entries: Sequence[Entry]) -> list[Record]:
    """Return the records that tell of a turn: of what was kept, and of the entries with ids above the turn before.

    They leave out an entry that was deleted meanwhile. They have entries from after the turn as these are stored.
    """
    records = _fill(decode_records(data), {entry.message_id: entry for entry in entries})
    last_seq = max((record[1]["seq"] for record in records if record[0] == "end"), default=0)
    told: list[Record] = [["turn", home, records]]
    behind = [entry for entry in entries if entry.message_id > last_seq]
    return [*told, untold_to_record(behind)] if behind else told


def _name_entry(message_id: int, conversation: object) -> Record:
    """Let an id stand for an entry, with its channel's name of that moment: it may get another one in the same turn."""
    return [_ENTRY, message_id, conversation] if isinstance(conversation, str) else [_ENTRY, message_id]


def _shorten(record: Record) -> list[Record]:
    """Have a record of what was untold before the turn name its messages by their ids."""
    if record[0] == "untold":
        return [_name_entry(row[0], row[2]) for row in record[1]]
    if record[0] == "turn":
        return [["turn", record[1], [short for one in record[2] for short in _shorten(one)]]]
    return [record]


def _fill(records: Iterable[Record], by_id: Mapping[int, Entry]) -> list[Record]:
    """Put entries for their ids, but for those that are not there any more."""
    filled: list[Record] = []
    for record in records:
        if record[0] == "turn":
            filled.append(["turn", record[1], _fill(record[2], by_id)])
        elif record[0] != _ENTRY:
            filled.append(record)
        elif record[1] in by_id:
            entry = by_id[record[1]]
            filled.append(untold_to_record([entry._replace(conversation=record[2]) if len(record) > 2 else entry]))
    return filled


def homes_of(records: Iterable[Record]) -> list[str]:
    """The homes whose turns are told by records."""
    return [record[1] for record in records if record[0] == "turn"]
