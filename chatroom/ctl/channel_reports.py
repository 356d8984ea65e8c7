"""A channel as ``chatroomctl channel`` shows it: told by the running daemon, or read from the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chatroom.chat.stored.records import StoredChannel
from chatroom.config import Settings
from chatroom.irc.message import Message
from chatroom.irc.names import casefold
from chatroom.storage.sql.sql_stores import SqlStores

_WORDS = 7
"""The parameters of a summary: name, members, stored or temporary, modes, founder, when created, and the topic."""


@dataclass(slots=True)
class Mask:
    """An entry of a list: a ban (``b``), an exception (``e``) or an invite exception (``I``)."""

    mode: str
    mask: str
    set_by: str
    set_at: datetime
    until_at: datetime | None
    reason: str


@dataclass(slots=True)
class ChannelReport:
    """The field names are the keys of ``chatroomctl channel show --json``."""

    name: str
    stored: bool
    """True if the channel stays when its last member leaves."""
    modes: str
    """The letters of the modes without a parameter."""
    founder: str | None
    created_at: datetime
    topic: str
    topic_by: str = ""
    topic_at: datetime | None = None
    key: str | None = None
    limit: int | None = None
    forward: str | None = None
    members: list[str] = field(default_factory=list)
    """The nicks, with their signs (``@``, ``+``). Empty if no daemon runs."""
    member_count: int = 0
    masks: list[Mask] = field(default_factory=list)
    access: dict[str, str] = field(default_factory=dict)
    """By account: ``founder``, ``o`` or ``v``."""
    metadata: dict[str, str] = field(default_factory=dict)
    join_throttle: str | None = None
    """Mode j, as ``joins:seconds``."""
    nick_throttle: str | None = None
    """Mode F, as ``changes:seconds``."""
    slow_mode_s: int | None = None
    """Mode W: the seconds between two messages of a user."""
    used_at: datetime | None = None
    """When the channel last had a member, to a day; None if that is not known."""


def from_summary(params: list[str]) -> ChannelReport:
    """Read what CHANNELS and the first line of CHANNEL tell of a channel."""
    name, members, stored, modes, founder, created, topic = params
    return ChannelReport(
        name,
        stored == "stored",
        "" if modes == "*" else modes,
        None if founder == "*" else founder,
        _moment(created),
        topic,
        member_count=int(members),
    )


def from_answers(messages: Iterable[Message]) -> ChannelReport | None:
    """Read the answer to CHANNEL. Lines of a kind that this version does not know are left out."""
    report: ChannelReport | None = None
    for message in messages:
        if message.verb != "NOTE" or message.params[:1] != ["CHANNEL"] or len(message.params) < 3:
            continue
        _, kind, *words = message.params
        if kind == "summary" and len(words) == _WORDS:
            report = from_summary(words)
        elif report is not None:
            _add_detail(report, kind, words)
    return report


_PLAIN = {
    "key": "key",
    "limit": "limit",
    "forward": "forward",
    "join-throttle": "join_throttle",
    "nick-throttle": "nick_throttle",
    "slow-mode": "slow_mode_s",
}
"""For kinds of lines that hold one value: the field of the report."""
_NUMBERS = frozenset({"limit", "slow-mode"})


def _add_detail(report: ChannelReport, kind: str, words: list[str]) -> None:
    text = words[-1]
    if kind in _PLAIN:
        setattr(report, _PLAIN[kind], int(text) if kind in _NUMBERS else text)
    elif kind == "used" and len(words) == 2:
        report.used_at = _moment(words[0])
    elif kind == "topic" and len(words) == 2:
        report.topic_at, report.topic_by = _moment(words[0]), text
    elif kind == "member":
        report.members.append(text)
    elif kind == "mask" and len(words) == 6:
        mode, mask, set_by, set_at, until = words[:5]
        ends_at = None if until == "*" else _moment(until)
        report.masks.append(Mask(mode, mask, "" if set_by == "*" else set_by, _moment(set_at), ends_at, text))
    elif kind == "access" and len(words) == 2:
        report.access[text] = words[0]
    elif kind == "metadata" and len(words) == 2:
        report.metadata[words[0]] = text


def list_stored(stores: SqlStores) -> list[ChannelReport]:
    """Read all stored channels, by name."""
    found = [_from_record(stores, record) for record in stores.channels.load_all()]
    return sorted(found, key=lambda report: casefold(report.name))


def is_kept(stores: SqlStores, settings: Settings, name: str) -> bool:
    """True if a channel is stored or configured. If not, it ends with its last member, or its name is misspelt."""
    configured = (casefold(channel) for channel in settings.channels.autojoin)
    return casefold(name) in configured or stores.channels.find(name) is not None


def find_stored(stores: SqlStores, name: str) -> ChannelReport | None:
    """Read one stored channel."""
    record = stores.channels.find(name)
    return None if record is None else _from_record(stores, record)


def _from_record(stores: SqlStores, record: StoredChannel) -> ChannelReport:
    def account_name(account_id: int | None) -> str | None:
        account = stores.accounts.find_by_id(account_id) if account_id is not None else None
        return None if account is None else account.name

    access = {account_name(account_id): level for account_id, level in record.access.items()}
    return ChannelReport(
        name=record.name,
        stored=True,
        modes=record.flags,
        founder=account_name(record.founder_id),
        created_at=record.created_at,
        topic=record.topic,
        topic_by=record.topic_by,
        topic_at=record.topic_at,
        key=record.key,
        limit=record.limit,
        forward=record.forward,
        masks=[
            Mask(entry.mode, entry.mask, entry.set_by, entry.set_at, entry.until_at, entry.reason)
            for entry in record.lists
            if not entry.is_over
        ],
        access={name: level for name, level in access.items() if name is not None},
        metadata=record.metadata,
        join_throttle=record.join_throttle,
        nick_throttle=record.nick_throttle,
        slow_mode_s=record.slow_mode_s,
        used_at=record.used_at,
    )


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
