"""Ban lists as files: ``ban export`` writes them and ``ban import`` reads them.

A line is a JSON object with the keys ``kind`` (``name`` or ``ip``), ``target``, ``reason``, ``until_at`` (ISO 8601, or
null for a permanent ban) and ``created_at`` (null or missing for now). The export adds ``by`` for the reader; the
import ignores it. A line can also be a bare name, address or network, followed by a comment after ``#`` or ``;``, or
one of the lines in ``foreign_ban_lists``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from chatroom.chat.admission.ban_policy import check_reason, covers_loopback, outlasts
from chatroom.chat.admission.ban_targets import NameTarget, format_network, parse_name, parse_network, parse_target
from chatroom.chat.stored.ban_stores import BanStore
from chatroom.chat.stored.records import Actor, Ban, BanKind, NewBan
from chatroom.ctl.foreign_ban_lists import ForeignBan, parse_foreign
from chatroom.ctl.output import to_json
from chatroom.errors import InvalidValue, Refused
from chatroom.irc.names import casefold

BATCH_S = 0.02
"""How long one batch should hold the write lock. A test allows 0.05 s."""
PAUSE_S = 0.002
"""How long the lock is free between two batches, so that the daemon can get it."""
_FIRST_BATCH = 50
"""The size of the first batch, small enough for a slow disk. Later sizes are measured."""
_LINES_A_CALL = 1000
"""How many lines are read between two calls of ``on_read``."""
_COMMENT = re.compile(r"[#;](.*)")


class PlainLines(NamedTuple):
    """How lines that are no JSON are read."""

    until_at: datetime | None = None
    """The end of bans on lines that give none."""
    only_networks: bool = False
    """True if a name is an error."""
    with_comments: bool = False
    """True if the comment of a line is the reason."""
    zone: tzinfo | None = None
    """The zone of times in the line; None is that of this machine."""


_AS_THEY_ARE = PlainLines()


def _key(one: NewBan | Ban) -> tuple[BanKind, str]:
    """Return a key that is equal for two bans on the same target."""
    return one.kind, casefold(one.target)


def format_line(ban: Ban) -> str:
    """Return the ban as one line of JSON."""
    document = {
        "kind": ban.kind,
        "target": ban.target,
        "reason": ban.reason,
        "until_at": None if ban.until_at is None else _iso(ban.until_at),
        "by": ban.by,
        "created_at": _iso(ban.created_at),
    }
    return to_json(document)


def read(
    lines: Iterable[str],
    reason: str,
    *,
    allow_loopback: bool,
    plain: PlainLines = _AS_THEY_ARE,
    on_read: Callable[[int], object] = lambda characters: None,
) -> tuple[list[NewBan], list[str]]:
    """Return the bans of a file, each target once, and the errors in the other lines, as ``NUMBER: text``.

    ``reason`` is the reason of lines without one. If a target is listed twice, the first line counts. Unless
    ``allow_loopback``, a ban of this machine's own address is an error. ``on_read`` is called from time to time with
    how many characters were read since the last call.
    """
    wanted: dict[tuple[BanKind, str], NewBan] = {}
    errors, characters, now = [], 0, datetime.now(UTC)
    for number, line in enumerate(lines, 1):
        characters += len(line)
        if number % _LINES_A_CALL == 0:
            on_read(characters)
            characters = 0
        # Editors on Windows begin a file with a byte order mark.
        text = line.lstrip("\ufeff").strip()
        try:
            if text.startswith("{"):
                found = [_from_json(text, reason, allow_loopback)]
            else:
                found = _from_line(text, reason, allow_loopback, plain, now)
        except Refused as error:
            errors.append(f"{number}: {error}")
        else:
            for one in found:
                wanted.setdefault(_key(one), one)
    return list(wanted.values()), errors


def not_yet_in_force(wanted: Iterable[NewBan], in_force: Iterable[Ban], now: datetime) -> list[NewBan]:
    """Return the bans that change something.

    Left out are bans that have run out, and bans of a target that is banned for as long or longer.
    """
    ends = {_key(ban): ban.until_at for ban in in_force}
    return [
        one
        for one in wanted
        if (one.until_at is None or one.until_at > now)
        and (_key(one) not in ends or outlasts(one.until_at, ends[_key(one)]))
    ]


def add_in_batches(
    store: BanStore, wanted: list[NewBan], by: Actor, on_added: Callable[[int], object] = lambda count: None
) -> None:
    """Add the bans in small transactions, so that the daemon never waits long for the write lock.

    ``on_added`` is called with the size of each batch.
    """
    size, start = _FIRST_BATCH, 0
    while start < len(wanted):
        batch = wanted[start : start + size]
        began_at = time.monotonic()
        store.add_many(batch, by)
        took_s = time.monotonic() - began_at
        start += len(batch)
        on_added(len(batch))
        # Aim at BATCH_S, but at most double the size: one quick batch says little about the next fsync.
        size = max(1, min(size * 2, int(size * BATCH_S / max(took_s, 1e-6))))
        # SQLite has no queue for the write lock: without a pause the next batch could take it first every time.
        time.sleep(PAUSE_S)


def _from_json(text: str, reason: str, allow_loopback: bool) -> NewBan:
    try:
        document: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError):  # deep nesting such as "[[[[..." ends in a RecursionError
        raise InvalidValue("not valid JSON") from None
    target, kind, given = document.get("target"), document.get("kind"), document.get("reason") or reason
    if not isinstance(target, str):
        raise InvalidValue("target is missing")
    if not isinstance(kind, str):
        raise InvalidValue("kind is missing")
    if kind not in ("name", "ip"):
        raise InvalidValue('kind must be "name" or "ip"')
    if not isinstance(given, str):
        raise InvalidValue("reason must be a string")
    given = check_reason(given)
    until_at, created_at = _moment(document, "until_at"), _moment(document, "created_at")
    one = _from_text(target, kind, allow_loopback)
    return NewBan(one.kind, one.target, given, until_at, _not_future(created_at))


def _not_future(at: datetime | None) -> datetime | None:
    # The clock of another server may be ahead of ours.
    return None if at is None or at > datetime.now(UTC) else at


def _from_line(text: str, reason: str, allow_loopback: bool, plain: PlainLines, now: datetime) -> list[NewBan]:
    """The bans of a line that is no JSON, each with its reason and end."""
    # First with what may be a comment: ipset has a sign of its own for that.
    foreign = parse_foreign(text, now, plain.zone) if text.startswith("add ") else None
    if foreign is None:
        comment = _COMMENT.search(text)
        if comment is not None and plain.with_comments:
            reason = check_reason(comment[1].strip()) or reason
        text = _COMMENT.sub("", text).strip()
        # A single word, as most lines are, is none of those.
        foreign = parse_foreign(text, now, plain.zone) if " " in text or "\t" in text or "," in text else None
    if foreign is None:
        foreign = [ForeignBan(text)] if text else []
    kind = "ip" if plain.only_networks else None
    return [
        _from_text(one.target, kind, allow_loopback)._replace(
            reason=check_reason(one.reason) or reason, until_at=one.until_at or plain.until_at
        )
        for one in foreign
    ]


def _from_text(text: str, kind: str | None, allow_loopback: bool) -> NewBan:
    read_as = {None: parse_target, "name": parse_name, "ip": parse_network}[kind]
    target = read_as(text)
    if isinstance(target, NameTarget):
        return NewBan("name", target.name, "", None)
    if covers_loopback(target.network) and not allow_loopback:
        raise InvalidValue(f"{text}: covers this machine's own address (--force allows that)")
    return NewBan("ip", format_network(target.network), "", None)


def _moment(document: dict[str, Any], name: str) -> datetime | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None and at.astimezone(UTC).year >= 1970:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter for the ends of the calendar
        pass
    raise InvalidValue(f"{name} must be a time with a zone, such as 2030-01-31T12:00:00Z, or null")


def _iso(at: datetime) -> str:
    # The database has milliseconds, so this loses nothing.
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
