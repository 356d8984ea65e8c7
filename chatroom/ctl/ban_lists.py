"""Lists of bans as files: what ``ban export`` writes and ``ban import`` reads.

A line is a JSON object, with the keys ``kind`` (``name`` or ``ip``), ``target``, ``reason``, ``until_at`` (ISO 8601, or
null) and, for people, ``by`` and ``created_at``; or it is a bare name, address or network, after which ``#`` or ``;``
begins a comment.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chatroom.chat.admission.ban_policy import check_reason, covers_loopback, outlasts
from chatroom.chat.admission.ban_targets import NameTarget, format_network, parse_name, parse_network, parse_target
from chatroom.chat.stored.records import Actor, Ban, BanKind
from chatroom.chat.stored.stores import BanStore
from chatroom.errors import InvalidValue, Refused
from chatroom.irc.names import casefold

BATCH_S = 0.02
"""How long the write lock is to be held at a time; at most 0.05 s."""
PAUSE_S = 0.002
"""How long others then have to get it."""
_FIRST_BATCH = 50
_COMMENT = re.compile(r"[#;].*")


class Wanted(NamedTuple):
    """A ban to be added, in the form the store takes."""

    kind: BanKind
    target: str
    reason: str
    until_at: datetime | None

    def key(self) -> tuple[BanKind, str]:
        """What makes two bans be of the same target."""
        return self.kind, casefold(self.target)


def format_line(ban: Ban) -> str:
    """One ban as a line of JSON."""
    document = {
        "kind": ban.kind,
        "target": ban.target,
        "reason": ban.reason,
        "until_at": None if ban.until_at is None else _iso(ban.until_at),
        "by": ban.by,
        "created_at": _iso(ban.created_at),
    }
    return json.dumps(document, ensure_ascii=False)


def read(lines: Iterable[str], reason: str, *, allow_loopback: bool) -> tuple[list[Wanted], list[str]]:
    """The bans that stand there, each target once, and what is wrong with the other lines, as ``NUMBER: text``.

    ``reason`` is for lines that have none.
    """
    wanted: dict[tuple[BanKind, str], Wanted] = {}
    faults = []
    for number, line in enumerate(lines, 1):
        text = line.lstrip("\ufeff").strip()
        try:
            if text.startswith("{"):
                one = _from_json(text, reason, allow_loopback)
            else:
                text = _COMMENT.sub("", text).strip()
                if not text:
                    continue
                one = _from_text(text, None, reason, None, allow_loopback)
        except Refused as error:
            faults.append(f"{number}: {error}")
        else:
            wanted.setdefault(one.key(), one)
    return list(wanted.values()), faults


def not_yet_in_force(wanted: Iterable[Wanted], in_force: Iterable[Ban], now: datetime) -> list[Wanted]:
    """Those that change something: they have not run out, and their target is not banned as long or longer."""
    ends = {(ban.kind, casefold(ban.target)): ban.until_at for ban in in_force}
    return [
        one
        for one in wanted
        if (one.until_at is None or one.until_at > now)
        and (one.key() not in ends or outlasts(one.until_at, ends[one.key()]))
    ]


def add_in_batches(
    store: BanStore, wanted: list[Wanted], by: Actor, on_added: Callable[[int], object] = lambda count: None
) -> None:
    """Add all, a batch a transaction, so small that nobody else waits long for the write lock."""
    size, start = _FIRST_BATCH, 0
    while start < len(wanted):
        batch = wanted[start : start + size]
        began_at = time.monotonic()
        store.add_many(batch, by)
        took_s = time.monotonic() - began_at
        start += len(batch)
        on_added(len(batch))
        # Towards the wanted time by at most a doubling: one slow fsync says little about the next.
        size = max(1, min(size * 2, int(size * BATCH_S / max(took_s, 1e-6))))
        time.sleep(PAUSE_S)


def _from_json(text: str, reason: str, allow_loopback: bool) -> Wanted:
    try:
        document: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidValue("not valid JSON") from None
    fields = {name: document.get(name) for name in ("kind", "target", "reason", "until_at")}
    for name in ("target", "kind"):
        if not isinstance(fields[name], str):
            raise InvalidValue(f"{name} is missing")
    if fields["kind"] not in ("name", "ip"):
        raise InvalidValue('kind must be "name" or "ip"')
    given = fields["reason"] or reason
    if not isinstance(given, str):
        raise InvalidValue("reason must be a text")
    given = check_reason(given)
    return _from_text(str(fields["target"]), fields["kind"], given, _moment(fields["until_at"]), allow_loopback)


def _from_text(text: str, kind: str | None, reason: str, until_at: datetime | None, allow_loopback: bool) -> Wanted:
    read_as = {None: parse_target, "name": parse_name, "ip": parse_network}[kind]
    target = read_as(text)
    if isinstance(target, NameTarget):
        return Wanted("name", target.name, reason, until_at)
    if covers_loopback(target.network) and not allow_loopback:
        raise InvalidValue(f"{text}: holds this machine's own address (--force takes it)")
    return Wanted("ip", format_network(target.network), reason, until_at)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidValue("until_at must be a moment such as 2030-01-31T12:00:00Z, or null")
    return at.astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
