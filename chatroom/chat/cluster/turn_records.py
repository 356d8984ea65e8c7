"""Records: what a turn has changed and said, as the other nodes read it.

A record is a list that JSON can have; its first item is the kind. Nodes of neighbouring versions read each other's, so
a kind or a key never gets another meaning or a further item, what is unknown is left out, what is missing has a
default, and capabilities stand by their names. So what a later version tells besides is a new key or a new kind.

| kind | items | what it tells |
| --- | --- | --- |
| ``tick`` | clocks | the first record: the clocks of the turn, and the server of its node |
| ``+user`` | state | a user has come |
| ``-user`` | nick | a user goes: its channels first, what is told of it later |
| ``nick`` | before, now | a user has another nick |
| ``+session`` | nick, state | a user has one more session |
| ``-session`` | id | a session leaves its user, which stays |
| ``closed`` | id | a session has ended |
| ``+channel`` | name, time | a channel was made |
| ``-channel`` | name | a channel has ended |
| ``rename`` | before, now | a channel has another name |
| ``join`` | channel, nick, standing, message id | a user has joined |
| ``part`` | channel, nick | a user has left a channel |
| ``mode`` | channel, nick, standing | a member has another standing |
| ``user``, ``channel``, ``session`` | which, attributes | attributes have changed |
| ``said`` | nick, message id | a guest has said something that it can redact |
| ``slow`` | channel, nick, moment, is a member | somebody has spoken in slow mode |
| ``account``, ``-account`` | entry or id | an account was made, changed or deleted |
| ``decided`` | request, entry or nothing, text | a request for an account was decided |
| ``target`` | before, now | read markers follow somebody or something to another name |
| ``was`` | values | an entry for WHOWAS |
| ``accept``, ``-accept`` | nick, other (, named) | an accept list has changed |
| ``mute``, ``-mute`` | keys or mute | the server's mutes have changed |
| ``ban``, ``-ban`` | values or id | a ban was made or lifted |
| ``lockdown`` | values | the lockdown was set |
| ``tries`` | key, moments | the failed logins of a key |
| ``action`` | key, moment | what is spent of an action's budget |
| ``say`` | channel, event, skipped id | an event for a channel |
| ``line`` | id, number, text | a line for one session |
| ``online``, ``offline``, ``seen`` | … | for the clients that monitor a nick |
| ``values`` | nick, metadata, has come | metadata for the clients that monitor a nick |
| ``replay`` | id, channel, message id | a session is shown what it missed in a channel |
| ``missed`` | id, message id | a session is shown what was said behind a message, and before it came |
| ``snapshot`` | home | a node that joins wants the world; the hub answers it |
| ``untold`` | entries | what the node of the turn before had stored and told nobody (``untold``) |
| ``turn`` | home, records | the turn before, if it had stored more than messages and told nobody (``kept_records``) |
| ``end`` | facts | the last record: where the next turn goes on |

An event that the record before has, too, stands by its number.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from chatroom.chat.events import Event, RelayedEvent
from chatroom.chat.handover.document import caps_from_names, caps_to_names
from chatroom.chat.stored.entries import Part

Record = list[Any]
_OF_NOBODY = 1 << 62
"""What an event needs that is for clients with a capability of a later version only: no session here has it."""
_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def encode_records(records: list[Record]) -> bytes:
    """Return records as bytes."""
    try:
        return _write(records).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character that did not come from bytes
        return json.dumps(records).encode()


def decode_records(data: bytes) -> list[Record]:
    """Read the bytes of ``encode_records``; what has no kind is left out. Raises ``ValueError`` if they are no list."""
    records = json.loads(data.decode("utf-8", "surrogateescape"))
    if not isinstance(records, list):
        raise ValueError("these are no records")
    return [record for record in records if isinstance(record, list) and record and isinstance(record[0], str)]


def event_to_record(event: Event, channels: list[str]) -> Record:
    """Write a numbered event: number, time, source, body, and what only some events have.

    ``channels`` are the casefolded names of all channels that it is for, if there are several.
    """
    more: dict[str, Any] = {}
    if event.account is not None:
        more["account"] = event.account
    if event.bot:
        more["bot"] = 1
    if event.client_tags:
        more["tags"] = event.client_tags
    if event.needs:
        more["needs"] = list(_names(event.needs))
    if event.alternative is not None:
        more["other"] = [list(_names(event.alternative[0])), event.alternative[1]]
    if event.parts is not None:
        more["parts"] = [[part.text, part.concat] for part in event.parts]
    if event.message_id:
        more["shown"] = event.message_id
    if isinstance(event, RelayedEvent):
        more["by"] = event.relayed_by
    if len(channels) > 1:
        more["in"] = channels
    record: Record = [event.seq, event.time_ms, event.source, event.body]
    return [*record, more] if more else record


def channels_of_event(record: Record) -> list[str]:
    """The names of all channels that an event is for, if there are several."""
    return list(record[4].get("in", ())) if len(record) > 4 else []


def event_from_record(record: Record) -> Event:
    """Make the event. Its message id is the other node's number; it has no number of this node yet."""
    number, time_ms, source, body = record[:4]
    more = record[4] if len(record) > 4 else {}
    event = RelayedEvent(source, body, more["by"]) if "by" in more else Event(source, body)
    event.message_id = more.get("shown") or number
    event.time_ms = time_ms
    event.account = more.get("account")
    event.bot = bool(more.get("bot"))
    event.client_tags = more.get("tags", "")
    if "needs" in more:
        event.needs = _bits(tuple(more["needs"])) or _OF_NOBODY
    if "other" in more:
        names, other = more["other"]
        event.alternative = (_bits(tuple(names)), other)
    if "parts" in more:
        event.parts = [Part(text, concat) for text, concat in more["parts"]]
    return event


@lru_cache(maxsize=64)
def _names(bits: int) -> tuple[str, ...]:
    return tuple(caps_to_names(bits))


@lru_cache(maxsize=64)
def _bits(names: tuple[str, ...]) -> int:
    return caps_from_names(names)
