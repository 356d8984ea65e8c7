"""Checks ``Arrivals`` against the database, and stores them: all of them, or none.

What is there already stays as it is, so that a file can be imported again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network

from chatroom.chat.admission.ban_policy import covers_loopback
from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.admission.password_strength import find_weakness, must_be_strong
from chatroom.chat.admission.reserved_names import find_reserved
from chatroom.chat.stored.records import AccessLevel, Actor, NewBan, Role, StoredChannel
from chatroom.chat.stored.stores import Stores
from chatroom.config.chatting import Accounts
from chatroom.ctl.ban_lists import not_yet_in_force
from chatroom.ctl.moving.arrivals import Arrivals, ArrivingAccount, ArrivingChannel
from chatroom.errors import AlreadyExists
from chatroom.irc.limits import BAN_REASON_BYTES, KEY_BYTES, LIST_ENTRIES, MASK_BYTES, TOPIC_BYTES
from chatroom.irc.names import casefold, is_channel, is_nick

_PASSWORD_BYTES = 12
"""Random bytes of a password that is made up: 16 characters."""


@dataclass(slots=True)
class Plan:
    """What will be stored."""

    accounts: list[ArrivingAccount] = field(default_factory=list)
    channels: list[ArrivingChannel] = field(default_factory=list)
    bans: list[NewBan] = field(default_factory=list)
    known: int = 0
    """How many accounts, channels and bans the database has already."""
    left_out: dict[str, int] = field(default_factory=dict)
    weak: list[str] = field(default_factory=list)
    """The accounts of admins and moderators whose password is weak."""
    passwords: dict[str, str] = field(default_factory=dict)
    """The passwords that were made up, by the names of accounts."""


def make_plan(stores: Stores | None, arrivals: Arrivals, settings: Accounts, *, force: bool) -> Plan:
    """Return what can be stored. ``stores`` is None if there is no database yet. ``force`` allows reserved names."""
    plan = Plan(left_out=dict(arrivals.left_out))
    names = set[str]()
    for account in arrivals.accounts:
        folded = casefold(account.name)
        if not is_nick(account.name):
            _leave_out(plan, f"the account {account.name!r}: not a name here")
        elif folded in names:
            _leave_out(plan, f"the account {account.name!r}: another one has this name")
        elif stores is not None and stores.accounts.find(account.name) is not None:
            plan.known += 1
        elif account.role is not Role.ADMIN and not force and find_reserved(settings.reserved_names, account.name):
            _leave_out(plan, f"the account {account.name}: reserved for the server (--force takes it all the same)")
        else:
            names.add(folded)
            plan.accounts.append(account)
            _look_at_password(plan, account)
    for channel in arrivals.channels:
        if not is_channel(channel.name):
            _leave_out(plan, f"the channel {channel.name!r}: not a name here")
        elif stores is not None and stores.channels.find(channel.name) is not None:
            plan.known += 1
        else:
            plan.channels.append(channel)
            _fit_channel(plan, channel)
    now = datetime.now(UTC)
    wanted = [one._replace(reason=fit(one.reason, BAN_REASON_BYTES)) for one in arrivals.bans if _may_ban(plan, one)]
    in_force = stores.bans.list_in_force(now) if stores is not None else []
    plan.bans = not_yet_in_force(wanted, in_force, now)
    plan.known += len(wanted) - len(plan.bans)
    return plan


def _leave_out(plan: Plan, what: str) -> None:
    plan.left_out[what] = plan.left_out.get(what, 0) + 1


def _look_at_password(plan: Plan, account: ArrivingAccount) -> None:
    if account.password is None and not account.credentials and not account.fingerprints:
        plan.passwords[account.name] = secrets.token_urlsafe(_PASSWORD_BYTES)
    elif (
        account.password is not None
        and must_be_strong(account.role)
        and find_weakness(account.password, account.name) is not None
    ):
        plan.weak.append(account.name)


def _may_ban(plan: Plan, one: NewBan) -> bool:
    if one.kind == "ip" and covers_loopback(ip_network(one.target)):
        _leave_out(plan, f"the ban of {one.target}: this machine's own address")
        return False
    return True


def _fit_channel(plan: Plan, channel: ArrivingChannel) -> None:
    """Take from a channel what it could not have here."""
    key, topic = channel.key, fit(channel.topic, TOPIC_BYTES)
    if key is not None and (len(key.encode()) > KEY_BYTES or not key.isprintable() or {" ", ","} & {*key}):
        _leave_out(plan, f"the key of {channel.name}, which cannot be one here: the channel is invite-only (+i)")
        channel.key = None
        # Without the key, everybody could come in.
        channel.flags = "".join(sorted({*channel.flags, "i"}))
    if channel.forward is not None and not is_channel(channel.forward):
        channel.forward = None
    if topic != channel.topic:
        _leave_out(plan, f"the end of the topic of {channel.name}: it is too long")
        channel.topic = topic
    masks = tuple(entry for entry in channel.lists if len(entry.mask.encode()) <= MASK_BYTES)[:LIST_ENTRIES]
    if masks != channel.lists:
        _leave_out(plan, f"masks of {channel.name}: too long, or more than {LIST_ENTRIES}")
        channel.lists = masks


def hash_passwords(plan: Plan, settings: Accounts, on_hashed: Callable[[int], object]) -> None:
    """Make the verifiers of all passwords, which is slow on purpose."""
    for account in plan.accounts:
        password = account.password or plan.passwords.get(account.name)
        if password is not None:
            account.credentials = tuple(make_credentials(password, settings))
            on_hashed(1)


def store(stores: Stores, plan: Plan, by: Actor) -> None:
    """Store a plan in one transaction, so that all of it is stored or nothing."""
    with stores.together():
        for account in plan.accounts:
            is_known = account.password is not None or account.name in plan.passwords
            _store_account(stores, account, by, is_weak=account.name in plan.weak, is_imported=not is_known)
        for channel in plan.channels:
            stores.channels.save(_record(stores, channel), by, "channel.import", "")
        if plan.bans:
            stores.bans.add_many(plan.bans, by)


def _store_account(stores: Stores, account: ArrivingAccount, by: Actor, *, is_weak: bool, is_imported: bool) -> None:
    made = stores.accounts.create(
        account.name,
        account.role,
        account.credentials,
        by,
        account.email,
        is_weak=is_weak,
        is_imported=is_imported,
        created_at=account.created_at,
    )
    if account.disabled:
        stores.accounts.set_disabled(made.id, True, by)
    for fingerprint in account.fingerprints:
        # A certificate belongs to one account; the first that shows it proves whose it is.
        try:
            stores.client_certificates.add(made.id, fingerprint.lower(), by)
        except AlreadyExists:
            continue


def _record(stores: Stores, channel: ArrivingChannel) -> StoredChannel:
    now = datetime.now(UTC)
    access = dict[int, AccessLevel]()
    for name, level in channel.access.items():
        account = stores.accounts.find(name)
        if account is not None:
            access[account.id] = level
    founder = stores.accounts.find(channel.founder) if channel.founder is not None else None
    return StoredChannel(
        channel.name,
        founder.id if founder is not None else None,
        channel.created_at or now,
        flags=channel.flags,
        key=channel.key,
        limit=channel.limit,
        forward=channel.forward,
        topic=channel.topic,
        topic_by=channel.topic_by,
        topic_at=channel.topic_at,
        lists=channel.lists,
        access=access,
        used_at=now,
    )


def fit(text: str, most_bytes: int) -> str:
    """A text of another server as one line of at most so many bytes."""
    line = " ".join(text.replace("\0", "").splitlines())
    return line.encode(errors="replace")[:most_bytes].decode(errors="ignore")
