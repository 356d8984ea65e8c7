"""UBAN: bans by name and by address, in one command with the subcommands ADD, DEL, LIST and INFO.

``chatroom.chat.admission.ban_targets`` tells the kind of a target from its syntax, and ``ban_policy`` beside it says
what may be banned. A ban is on the disk before the daemon's table has it, enforces it and confirms it.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission import ban_policy, ban_targets
from chatroom.chat.admission.ban_policy import Reach, RiskKind
from chatroom.chat.admission.ban_table import explain
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget
from chatroom.chat.admission.durations import format_duration, is_meant_as_duration, parse_duration
from chatroom.chat.enforcement import count_hits, enforce_rules, sessions_in, users_named
from chatroom.chat.log_line import LogWarning
from chatroom.chat.stored.records import BanKind, BanRule, NewBan, Role
from chatroom.chat.unstored_bans import key_of, put_into_force
from chatroom.chat.work_queue import Order
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.operating.ban_lookup import find_rule, find_wider, list_bans, tell_about, users_in
from chatroom.commands.operating.kill import require_rank
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidTarget, InvalidValue, NeedsForce, NotFound, StorageError
from chatroom.irc.limits import BAN_REASON_BYTES

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores

_NOT_STORED = (
    "The ban acts, but it is NOT STORED, because the database did not take it. It is tried again every few seconds; if "
    "the daemon stops before, the ban ends"
)
_KINDS = ("--ip", "--name")


@command("UBAN", "<subcommand> [<target> [<duration>] [<reason>]]", role=Role.MODERATOR)
def uban(context: Context, params: list[str]) -> Pending | None:
    """Bans names and addresses from the server, lifts and lists bans:

    UBAN ADD [--ip|--name] [FORCE] <name, address or network> [<duration, like 7d>] [<reason>]
    UBAN DEL <name, address, network or number>
    UBAN LIST
    UBAN INFO [--ip] <name, address or network>: the ban on it, and the users that a ban would hit
    """
    subcommand = params[0].upper()
    words = _words(params[1:])
    if subcommand == "LIST":
        list_bans(context)
    elif subcommand not in ("ADD", "DEL", "INFO"):
        raise InvalidValue(f"there is no subcommand UBAN {params[0][:20]}; use ADD, DEL, LIST or INFO")
    elif not words:
        raise InvalidValue(f"UBAN {subcommand} needs a name, an address or a network")
    elif subcommand == "ADD":
        return _add(context, words)
    elif subcommand == "DEL":
        return _remove(context, words[0])
    else:
        options, words = _split_options(words, _KINDS)
        if not words:
            raise InvalidValue("UBAN INFO needs a name, an address or a network")
        for target in _read_targets(context, words[0], options):
            tell_about(context, target)
    return None


def _words(params: list[str]) -> list[str]:
    """Split the parameters into words.

    Parsing the line took the first colon of a last parameter like ``::1``. It is put back if that gives an address.
    """
    words = [word for param in params for word in param.split()]
    if words and params[-1].startswith(":"):
        at = len(words) - len(params[-1].split())
        with contextlib.suppress(InvalidTarget):
            ban_targets.parse_network(f":{words[at]}")
            words[at] = f":{words[at]}"
    return words


def _split_options(words: list[str], known: Sequence[str]) -> tuple[set[str], list[str]]:
    """Return the options and the rest. Options come first: "force" may be a name or a word of the reason."""
    count = 0
    while count < len(words) and words[count].lower() in known:
        count += 1
    return {word.lower().lstrip("-") for word in words[:count]}, words[count:]


def _add(context: Context, words: list[str]) -> Pending:
    options, words = _split_options(words, (*_KINDS, "--force", "force"))
    if not words:
        raise InvalidValue("UBAN ADD needs a name, an address or a network")
    targets = _read_targets(context, words.pop(0), options)
    # What only nearly is a duration is refused: as a reason it would make the ban permanent.
    duration_s = parse_duration(words.pop(0)) if words and is_meant_as_duration(words[0]) else None
    reason = context.cut(" ".join(words), BAN_REASON_BYTES)
    # Rank comes before risk: FORCE would not help against a refusal by rank.
    for target in targets:
        if isinstance(target, NameTarget):
            _require_rank_over_name(context, target.name)
        else:
            _require_rank_over_network(context, target)
            if "force" not in options:
                _require_force_if_risky(context, target)
    return _store(context, targets, duration_s, reason)


def _read_targets(context: Context, text: str, options: set[str]) -> Sequence[NameTarget | NetworkTarget]:
    """Read the target. ``--ip`` of a user means the addresses of all of the user's sessions."""
    if "name" in options:
        return [ban_targets.parse_name(text)]
    if "ip" not in options:
        return [ban_targets.parse_target(text)]
    user = context.world.find_user(text)
    if user is None:
        return [ban_targets.parse_network(text)]
    require_rank(context, user)
    addresses = [_address(session.version, session.address) for session in user.sessions]
    if not addresses:  # an account that is always on
        raise NotFound(f"{user.nick} is not connected, so there is no address to ban")
    networks = dict.fromkeys(ban_policy.propose_network(address) for address in addresses)
    return [NetworkTarget(network, f"the address of {user.nick}") for network in networks]


def _address(version: int, address: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.IPv4Address(address) if version == 4 else ipaddress.IPv6Address(address)


def _require_rank_over_name(context: Context, name: str) -> None:
    account, user = context.world.accounts.find(name), context.user
    roles = [wearer.rank for wearer in users_named(context.world, name)]
    if account is not None:
        roles.append(account.role)
    own_names = (user.nick, user.account_name or user.nick)
    ban_policy.require_rank_over_name(context.role, own_names, name, roles)


def _require_rank_over_network(context: Context, target: NetworkTarget) -> None:
    user = context.user
    others = [
        (session.user.nick, session.rank)
        for session in sessions_in(context.world, target.network)
        if session.user is not None and session.user is not user
        if session.user.account is None or session.user.account != user.account
    ]
    ban_policy.require_rank_over_network(context.role, others)


def _require_force_if_risky(context: Context, target: NetworkTarget) -> None:
    def count_reach() -> Reach:
        return Reach(len(users_in(context, target.network)), len(context.world.users))

    risk = next(ban_policy.find_risks([target.network], count_reach), None)
    if risk is None:
        return
    network = ban_targets.format_network(target.network)
    if risk.kind is RiskKind.LOOPBACK:
        raise NeedsForce(
            f"{network} covers this machine itself (loopback): use UBAN ADD FORCE {network} to ban it anyway"
        )
    reach = risk.reach or count_reach()
    raise NeedsForce(
        f"{network} would hit {reach.hit} of the {reach.present} users present: "
        f"use UBAN ADD FORCE {network} to ban it anyway"
    )


class _Added(NamedTuple):
    """What came of storing a ban."""

    rule: BanRule | None
    """None if the ban is not in force: another process has lifted it by now."""
    replaced: BanRule | None
    """The ban that was in force for the target before."""
    failure: str = ""
    """Why the database refused the ban; empty if it took it."""


def _store(
    context: Context, targets: Sequence[NameTarget | NetworkTarget], duration_s: int | None, reason: str
) -> Pending:
    """Store a ban of the first target and put it into force, then go on with the others."""
    target, others = targets[0], targets[1:]
    world, actor = context.world, context.actor
    issuer, issuer_role = context.session.user, context.role
    now = datetime.fromtimestamp(world.wall_ms / 1000, UTC)
    until = now + timedelta(seconds=duration_s) if duration_s is not None else None
    if isinstance(target, NameTarget):
        new, remark = NewBan("name", target.name, reason, until), ""
    else:
        new, remark = NewBan("ip", ban_targets.format_network(target.network), reason, until), target.note
        remark = "; ".join(filter(None, (remark, ban_policy.narrowness(target.network))))
    text = new.target

    # Runs in the store worker, which does not touch the world. Only then(), in a later tick, does.
    def job(stores: Stores) -> _Added:
        try:
            before = stores.bans.find_in_force(new.kind, text, now)
            replaced = stores.bans.find_rule(before.id, now) if before is not None else None
            ban = stores.bans.add(new.kind, text, reason, until, actor)
            return _Added(stores.bans.find_rule(ban.id, now), replaced)
        except StorageError as error:
            return _Added(None, None, str(error))  # not raised: ``then`` would not run, and the ban would not act

    def then(context: Context, added: _Added) -> Pending | None:
        world = context.world
        rule, replaced, failure = added
        if failure:
            replaced = world.bans.find_target(text)
            rule = put_into_force(world, new, actor, failure)
        else:
            # A new rule replaces the old one by itself. There is none if another process lifted the new ban meanwhile.
            if replaced is not None:
                world.bans.discard(replaced.id)
        if rule is not None:
            world.bans.add(rule)
            world.log_line(f"banned {text} by {actor.name}: {explain(rule, world.bans.zone)}")
            length = "permanently" if duration_s is None else f"for {format_duration(duration_s)}"
            extra = f" ({remark})" if remark else ""
            context.note("ADDED", text, text=f"{text} is banned {length}, {rule.label}{extra}")
            if replaced is not None:
                before = f"{replaced.label} by {replaced.by}: {explain(replaced, world.bans.zone)}"
                context.note("REPLACED", text, text=f"{rule.label} replaces {before}")
            if not rule.is_stored:
                context.warn("NOT_STORED", text, text=_NOT_STORED)
            # The role is the issuer's when the command was given: it may have changed while the job ran.
            hits = count_hits(world, [rule], issuer_role, spared=issuer)
            if hits.sessions or hits.absent:
                context.note("DISCONNECTED", text, text=hits.describe())
            enforce_rules(world, [rule], issuer_role, spared=issuer)
        return _store(context, others, duration_s, reason) if others else None

    return Pending("store", job, then, order=_order(context))


def _order(context: Context) -> Order:
    """A ban depends on nothing that waits to be stored, unless an earlier ban could not be and is tried again."""
    return Order.PLAIN if len(context.world.retries) else Order.URGENT


def _remove(context: Context, text: str) -> Pending:
    rule = find_rule(context, text)
    account = context.world.accounts.find(rule.name) if rule.name is not None else None
    if account is not None:
        own = account in (context.user.account, context.session.oper)
        ban_policy.require_may_lift(context.role, rule.target, account.role, own=own)
    ban_id, actor = rule.id, context.actor
    if not rule.is_stored:
        return _remove_unstored(context, rule)

    def job(stores: Stores) -> object:
        return stores.bans.lift(ban_id, actor)

    def then(context: Context, lifted: object) -> None:
        context.world.bans.discard(ban_id)
        context.world.log_line(f"unbanned {rule.target} by {actor.name}")
        wider = find_wider(context, rule)
        text = f"{rule.target} is no longer banned"
        if wider is not None:
            text = f"ban {rule.id} is lifted, but {wider.label} on {wider.target} still covers {rule.target}"
        context.note("REMOVED", rule.target, text=text)

    return Pending("store", job, then, order=_order(context))


def _remove_unstored(context: Context, rule: BanRule) -> Pending:
    """Lift a ban that is not stored, and the stored ban on its target that it has replaced, if there was one."""
    world, actor = context.world, context.actor
    kind: BanKind = "ip" if rule.name is None else "name"
    now = datetime.fromtimestamp(world.wall_ms / 1000, UTC)
    # At once: a try that is under way comes before our job, which then lifts what it has stored.
    waiting = world.retries.discard(key_of(rule))

    def job(stores: Stores) -> str:
        try:
            before = stores.bans.find_in_force(kind, rule.target, now)
            if before is not None:
                stores.bans.lift(before.id, actor)
        except StorageError as error:
            return str(error)
        return ""

    def then(context: Context, failure: str) -> None:
        if failure:
            if waiting is not None:
                context.world.retries.add(key_of(rule), waiting, context.world.mono_ms)
            context.world.log_line(f"the ban on {rule.target} stays: {failure}", LogWarning)
            context.fail("TEMPORARILY_UNAVAILABLE", text="That could not be stored, try again in a moment")
            return
        current = context.world.bans.find_target(rule.target)
        if current is not None:
            context.world.bans.discard(current.id)
        context.world.log_line(f"unbanned {rule.target} by {actor.name}")
        context.note("REMOVED", rule.target, text=f"{rule.target} is no longer banned")

    return Pending("store", job, then)
