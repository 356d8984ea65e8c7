"""What happens to a user whose text a spam filter matches.

Whatever ends a connection happens in a later tick: the verb under way needs its user to the end, and a ban is on the
disk before anyone reads of it. Until then the user is muted, so the rest of a burst has no further effect.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.admission import ban_policy, ban_targets
from chatroom.chat.admission.ban_table import explain
from chatroom.chat.admission.durations import format_duration
from chatroom.chat.admission.exemption import is_exempt
from chatroom.chat.enforcement import enforce_rules
from chatroom.chat.log_line import LogWarning
from chatroom.chat.people.server_mutes import Mute
from chatroom.chat.stored.records import Actor, BanRule, NewBan, Role
from chatroom.chat.unstored_bans import put_into_force
from chatroom.errors import ChatroomError, StorageError
from chatroom.irc.limits import BAN_REASON_BYTES
from chatroom.irc.packing import shorten

if TYPE_CHECKING:
    from chatroom.chat.admission.spam_filters import FilterSet
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.records import AccountEntry, SpamFilter
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

MOST_STORED_PER_HOUR = 500
"""How many bans and kicks by filters are stored in an hour. Further ones only disconnect: what strangers do must not
fill the database."""
_HOUR_MS = 3_600_000
_MEANWHILE_MS = 60_000
"""How long a user is muted who is about to be disconnected."""
NO_REASON = "it looks like spam"
"""The reason of a filter without one."""


def act_on(world: World, session: Session, user: User | None, nick: str, found: SpamFilter) -> str:
    """Do what a filter says with a user, or with a session that has none yet. Return why the text is refused.

    ``nick`` is the user's, or the one that the session wants.
    """
    world.spam.count(found.id)
    world.log_line(f"filter {found.id} ({found.action}) has matched a text of {nick} from {session.address_text}")
    why = found.reason or NO_REASON
    if found.action == "refuse":
        return why
    mute_ms = (found.duration_s or 0) * 1000 if found.action == "mute" else _MEANWHILE_MS
    mute = Mute(nick, world.mono_ms + mute_ms, why, found.id)
    world.spam.mutes.add(mute, user, session, world.settings)
    world.spam.look()
    if found.action == "mute":
        return f"{why}. You are muted for {format_duration(mute_ms // 1000)}"
    is_stored = not world.actions.take("filters", MOST_STORED_PER_HOUR, _HOUR_MS, world.mono_ms)
    if found.action == "ban" and is_stored:
        account = session.registration.account if session.registration is not None else None
        _ban(world, session, user.account if user is not None else account, nick, found)
    else:
        _kick(world, user, nick, found, is_stored=is_stored)
    return why


def apply_filters(world: World, filters: FilterSet) -> None:
    """Put filters into force that another process has changed."""
    before = world.spam.filters.by_id
    world.spam.use(filters)
    for one in filters.by_id.values():
        known = before.get(one.id)
        if known is None or known.created_at != one.created_at:  # new or changed; its hits change too
            world.log_line(f"filter {one.id} ({one.action} {one.pattern}) by {one.by}")
    for filter_id in before.keys() - filters.by_id.keys():
        world.log_line(f"filter {filter_id} ({before[filter_id].pattern}) removed from the shell")
    log_unusable(world)


def log_unusable(world: World) -> None:
    """Log which filters cannot be used, and why."""
    for filter_id, why in world.spam.filters.unusable.items():
        world.log_line(f"filter {filter_id} is not in force: {why}", LogWarning)


def save_hits(world: World) -> None:
    """Have the hits of filters stored."""
    hits = world.spam.begin_saving()
    if not hits:
        return
    at = datetime.fromtimestamp(world.wall_ms / 1000, UTC)

    def then(outcome: object) -> None:
        world.spam.end_saving(stored=not isinstance(outcome, ChatroomError))

    world.work.write(lambda stores: stores.filters.add_hits(hits, at), then)


def _actor(found: SpamFilter) -> Actor:
    return Actor(f"filter {found.id}", "server")


def _kick(world: World, user: User | None, nick: str, found: SpamFilter, *, is_stored: bool) -> None:
    """Disconnect a user in a later tick. A session without a user is closed by what refuses it."""
    actor, why = _actor(found), found.reason or NO_REASON

    def job(stores: Stores) -> None:
        if is_stored:
            stores.audit.add(actor, "kick", nick, why)

    def then(outcome: object) -> None:
        if user is not None and world.users.get(user.folded) is user and user.rank < Role.MODERATOR:
            world.log_line(f"kicked {user.nick} by {actor.name}: {why}")
            by = "was kicked by a spam filter"
            world.close_user(user, f"You were kicked by a spam filter: {why}", f"{user.nick} {by}: {why}")

    world.work.write(job, then)


def _ban(world: World, session: Session, account: AccountEntry | None, nick: str, found: SpamFilter) -> None:
    """Ban an account, or the address of a guest, and disconnect whom the ban hits when it is stored."""
    now = datetime.fromtimestamp(world.wall_ms / 1000, UTC)
    until = now + timedelta(seconds=found.duration_s or 0)
    actor = _actor(found)
    reason = shorten(f"{actor.name}: {found.reason or NO_REASON}", BAN_REASON_BYTES)
    new = _choose_target(world, session, account, nick)._replace(reason=reason, until_at=until)

    def job(stores: Stores) -> BanRule | None:
        before = stores.bans.find_in_force(new.kind, new.target, now)
        if before is not None and not ban_policy.outlasts(new.until_at, before.until_at):
            return stores.bans.find_rule(before.id, now)
        return stores.bans.find_rule(stores.bans.add_many([new], actor)[0].id, now)

    world.work.write(job, partial(_enforce, world, new, actor))


def _enforce(world: World, new: NewBan, actor: Actor, outcome: object) -> None:
    rule = outcome
    if isinstance(outcome, StorageError):
        rule = put_into_force(world, new, actor, str(outcome))
    if isinstance(rule, BanRule):
        world.bans.add(rule)
        world.log_line(f"banned {rule.target} by {rule.by}: {explain(rule, world.bans.zone)}")
        enforce_rules(world, [rule], Role.MODERATOR)


def _choose_target(world: World, session: Session, account: AccountEntry | None, nick: str) -> NewBan:
    if account is not None:
        return NewBan("name", account.name, "", None)
    settings, version, address = world.settings, session.version, session.address
    # Many users share an exempt address or a gateway's: only the nick can be banned without harm to others.
    if is_exempt(settings, version, address) or settings.webirc.trusts(version, address):
        return NewBan("name", nick, "", None)
    parsed = ipaddress.IPv4Address(address) if version == 4 else ipaddress.IPv6Address(address)
    return NewBan("ip", ban_targets.format_network(ban_policy.propose_network(parsed)), "", None)
