"""What a turn has changed, as the database keeps it with the messages of the turn.

If the node dies between PostgreSQL and the stream, the next holder of a turn tells what was stored. Messages alone are
not enough for that: the turn may have renamed the channel that they were said in, or its author has joined, or a guest
who was written to has another nick. So a turn that changes who is there and where has its records committed with its
messages. A turn that only says something does not: then the messages are enough, and this costs most turns nothing.

A message stands in the records by its id alone, so what is deleted from the history is not kept here; and one that the
history does not have is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
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
"""The attributes that change because somebody speaks, by the kind of record."""


def must_keep(records: Iterable[tuple[int, Record]]) -> bool:
    """True if the records of a turn change what its messages may refer to."""
    return any(not _is_said_only(record) for _, record in records)


def _is_speech(record: Record) -> bool:
    """True if a record tells somebody a message, or a notice."""
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
    for seq, record in records:
        if seq not in message_ids:
            if not _is_speech(record):
                kept.append(record)
        elif seq not in done:  # one message may be told to several, each by a record
            done.add(seq)
            kept.append([_ENTRY, seq])
    return encode_records(kept)


def read_kept(home: str, data: bytes, entries: Sequence[Entry]) -> list[Record]:
    """Return the records that tell of a turn: of what was kept, and of the entries with ids above the turn before.

    An entry that was deleted meanwhile is not told. What is behind the turn is told as it is stored.
    """
    by_id = {entry.message_id: entry for entry in entries}
    records: list[Record] = []
    last_seq = 0
    for record in decode_records(data):
        if record[0] != _ENTRY:
            records.append(record)
        elif record[1] in by_id:
            records.append(untold_to_record([by_id[record[1]]]))
        if record[0] == "end":
            last_seq = record[1]["seq"]
    told: list[Record] = [["turn", home, records]]
    behind = [entry for entry in entries if entry.message_id > last_seq]
    return [*told, untold_to_record(behind)] if behind else told


def homes_of(records: Iterable[Record]) -> list[str]:
    """The homes whose turns are told by records."""
    return [record[1] for record in records if record[0] == "turn"]
