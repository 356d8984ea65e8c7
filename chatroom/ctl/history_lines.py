"""History entries as lines of a file: ``history export`` writes them and ``history import`` reads them.

A line is a JSON object with the keys ``at`` (ISO 8601 with milliseconds), ``channel`` or ``direct`` (the names of two
accounts; of one, if ``guest`` is the nick of the other user), ``kind``, ``source`` (``nick!user@host``), ``account``
(or null) and ``text``. The keys ``target``, ``tags``, ``bot``, ``relayed``, ``msgid`` and ``ended_at`` (when the
channel ended) are there if they have a value. Accounts are given by name, because their ids mean nothing in another
database.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chatroom.chat.stored.entries import Conversation, Entry, EntryFlag, Kind, direct, message_id_of, split_parts
from chatroom.ctl.output import moment, to_json
from chatroom.ctl.streams import plain
from chatroom.errors import InvalidValue, Refused
from chatroom.irc.names import is_channel, is_nick
from chatroom.storage.sql.history_archive import Archived
from chatroom.storage.sql.timestamps import from_ms, to_ms

FindAccount = Callable[[str, int], int | None]
"""Returns the id of the account that had this name at this time (Unix milliseconds), or None."""

_MOST_TEXT = 64 * 1024
"""The longest text, in characters; far more than a multiline message can have."""
_EVENT_WORDS = {
    Kind.TAGMSG: "sent tags:",
    Kind.TOPIC: "set the topic:",
    Kind.JOIN: "joined",
    Kind.PART: "left",
    Kind.QUIT: "quit",
    Kind.KICK: "kicked",
    Kind.MODE: "set mode",
    Kind.NICK: "is now known as",
    Kind.REDACT: "deleted a message:",
}


class Unplaceable(Refused):
    """A direct message is between accounts that this database does not both have."""


def format_line(archived: Archived) -> str:
    """Return the entry as one line of JSON."""
    entry = archived.entry
    document: dict[str, object] = {"msgid": entry.msgid, "at": _iso(from_ms(entry.time_ms))}
    if archived.accounts is None:
        document["channel"] = entry.conversation
        if archived.ended_ms is not None:
            document["ended_at"] = _iso(from_ms(archived.ended_ms))
    else:
        other = entry.conversation[1]
        if isinstance(other, str):
            document |= {"direct": archived.accounts[:1], "guest": other}
        else:
            document["direct"] = archived.accounts
    document |= {"kind": entry.kind.name, "source": entry.source, "account": entry.account or None, "text": entry.text}
    if entry.target != entry.conversation:
        document["target"] = entry.target
    if entry.client_tags:
        document["tags"] = entry.client_tags
    if entry.flags & EntryFlag.BOT:
        document["bot"] = True
    if entry.flags & EntryFlag.RELAYED:
        document["relayed"] = True
    return to_json(document)


def format_text(entry: Entry) -> str:
    """Return the entry as text for people: time, channel, sender, message. Further lines of a message are indented."""
    where = entry.conversation if isinstance(entry.conversation, str) else f"to {entry.target}"
    nick = entry.source.partition("!")[0]
    parts = split_parts(entry.text)
    lines = [entry.text]
    if parts is not None:
        lines = []
        for part in parts:
            if part.concat:
                lines[-1] += part.text
            else:
                lines.append(part.text)
    first, *more = lines
    if entry.kind is Kind.PRIVMSG and first.startswith("\x01ACTION "):
        said = f"* {nick} {first[8:].removesuffix(chr(1))}"  # what /me sends, as clients show it
    elif entry.kind is Kind.PRIVMSG:
        said = f"<{nick}> {first}"
    elif entry.kind is Kind.NOTICE:
        said = f"-{nick}- {first}"
    else:
        what = entry.client_tags if entry.kind is Kind.TAGMSG else first
        said = f"-- {nick} {_EVENT_WORDS.get(entry.kind, entry.kind.name)} {what}"
    head = f"{moment(from_ms(entry.time_ms))} {where} {said}"
    return "\n".join([plain(head.rstrip()), *(f"    {plain(line)}" for line in more)])


def as_document(entry: Entry) -> dict[str, object]:
    """Return the entry as an object for ``--json``."""
    return {
        "msgid": entry.msgid,
        "at": from_ms(entry.time_ms),
        "channel": entry.conversation if isinstance(entry.conversation, str) else None,
        "target": entry.target,
        "kind": entry.kind.name,
        "source": entry.source,
        "account": entry.account or None,
        "text": entry.text,
        "tags": entry.client_tags or None,
    }


def _flags(document: dict[str, Any]) -> int:
    flags = {"bot": EntryFlag.BOT, "relayed": EntryFlag.RELAYED}
    return sum(int(flag) for key, flag in flags.items() if document.get(key) is True)


def read_line(text: str, find_account: FindAccount) -> tuple[Entry, int | None]:
    """Return the entry on a line, and when its channel ended, in Unix milliseconds, or None.

    Raises ``InvalidValue`` if the line is wrong, and ``Unplaceable``.
    """
    try:
        document: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError):  # deep nesting such as "[[[[..." ends in a RecursionError
        raise InvalidValue("not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidValue("not a JSON object")
    time_ms = to_ms(_moment(document, "at"))
    kind = Kind.__members__.get(_text(document, "kind", 20))
    if kind is None:
        raise InvalidValue(f"kind must be one of {', '.join(Kind.__members__)}")
    source = _text(document, "source", 300)
    if not source or not source.isprintable() or " " in source:
        raise InvalidValue("source must be nick!user@host")
    account = _text(document, "account", 100, missing="")
    conversation = _conversation(document, time_ms, find_account)
    target = _text(document, "target", 300, missing=conversation if isinstance(conversation, str) else None)
    tags = _text(document, "tags", 4094, missing="")
    if not tags.isprintable() or " " in tags:
        raise InvalidValue("tags must be client-only tags, written as in a message")
    ended_at = None if document.get("ended_at") is None else _moment(document, "ended_at")
    entry = Entry(
        message_id_of(_text(document, "msgid", 40, missing="")) or 0,  # 0 asks the archive for an id by the time
        time_ms,
        conversation,
        kind,
        source,
        find_account(account, time_ms) if account else None,
        account,
        target,
        _text(document, "text", _MOST_TEXT),
        tags,
        _flags(document),
    )
    return entry, None if ended_at is None else to_ms(ended_at)


def _conversation(document: dict[str, Any], time_ms: int, find_account: FindAccount) -> Conversation:
    channel, names, guest = document.get("channel"), document.get("direct"), document.get("guest")
    if isinstance(channel, str) and names is None:
        if not is_channel(channel):
            raise InvalidValue("channel must be the name of a channel")
        return channel
    if guest is not None and not (isinstance(guest, str) and is_nick(guest)):
        raise InvalidValue("guest must be a nick")
    if channel is not None or not isinstance(names, list) or len(names) != (2 if guest is None else 1):
        raise InvalidValue('there must be a "channel", or the names of two accounts under "direct"')
    ids = [find_account(name, time_ms) if isinstance(name, str) else None for name in names]
    if ids[0] is None or ids[-1] is None:
        raise Unplaceable("this database did not have its accounts at that time")
    return direct(ids[0], ids[-1]) if guest is None else (ids[0], guest)


def _text(document: dict[str, Any], name: str, most: int, *, missing: str | None = None) -> str:
    value = document.get(name)
    if value is None and missing is not None:
        return missing
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise InvalidValue(f"{name} must be a string of at most {most} characters")
    # JSON can escape half of a surrogate pair, which SQLite cannot store.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{name} is not valid Unicode") from None
    return value


def _moment(document: dict[str, Any], name: str) -> datetime:
    value = document.get(name)
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None and at.astimezone(UTC).year >= 1970:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidValue(f"{name} must be a time with a zone, such as 2030-01-31T12:00:00.000Z")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
