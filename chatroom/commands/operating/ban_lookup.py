"""Looking bans up: UBAN LIST, UBAN INFO, and the ban that UBAN DEL is to lift. Nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission import ban_targets
from chatroom.chat.admission.ban_table import describe
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget
from chatroom.chat.enforcement import sessions_in, users_named
from chatroom.chat.stored.records import BanRule, Network
from chatroom.commands.context import Context
from chatroom.errors import NotFound
from chatroom.irc.names import casefold
from chatroom.irc.times import format_stamp

if TYPE_CHECKING:
    from chatroom.chat.people.user import User

MOST_NAMED = 20
"""How many users or bans one answer of UBAN INFO names."""
MOST_LISTED = 200
"""How many bans UBAN LIST shows. A list of 100,000 bans would overflow the send queue of the client that asked."""


def users_in(context: Context, network: Network) -> set[User]:
    """Return the users with a session whose real address is in the network."""
    return {session.user for session in sessions_in(context.world, network) if session.user is not None}


def find_rule(context: Context, text: str) -> BanRule:
    """Return the ban with that number, or on that target. Raises ``NotFound``, which names wider and narrower bans."""
    bans = context.world.bans
    # Python refuses to convert more than 4,300 digits; ids have at most 18 here.
    number = text.removeprefix("#")
    rule = bans.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 18 else None
    if rule is None:
        target = ban_targets.parse_target(text)
        label = target.name if isinstance(target, NameTarget) else ban_targets.format_network(target.network)
        rule = bans.find_target(label)
        covering = [] if isinstance(target, NameTarget) else bans.find_covering(target.network, context.world.wall_ms)
        if rule is None and covering:
            wider = covering[0]
            way = wider.id if wider.is_stored else wider.target
            raise NotFound(f"{label} is covered by {wider.label} on {wider.target}: UBAN DEL {way} lifts that one")
        inside = [] if isinstance(target, NameTarget) else bans.find_inside(target.network, context.world.wall_ms)
        if rule is None and inside:
            named = _some([f"{one.shown_id}: {one.target}" for one in inside])
            raise NotFound(f"{label} is not banned as a whole; bans inside it ({len(inside)}): {named}")
    if rule is None:
        raise NotFound(f"there is no ban on {text[:64]}; UBAN LIST shows all bans")
    return rule


def find_wider(context: Context, rule: BanRule) -> BanRule | None:
    """Return the narrowest ban that covers the network of a ban that was lifted, if any."""
    target = ban_targets.parse_target(rule.target)
    if isinstance(target, NameTarget):
        return None
    return next(iter(context.world.bans.find_covering(target.network, context.world.wall_ms)), None)


def list_bans(context: Context) -> None:
    """Show the bans in force, the newest first."""
    bans, wall_ms = context.world.bans, context.world.wall_ms
    count = 0
    for rule in bans:
        if not rule.in_force(wall_ms):
            continue
        if count == MOST_LISTED:
            text = f"the newest {count} of {bans.count_in_force(wall_ms)} bans; chatroomctl ban list shows all of them"
            context.note("END", "*", text=text)
            return
        count += 1
        context.note(
            "ENTRY",
            rule.target,
            text=_entry(context, rule),
        )
    context.note("END", "*", text=f"{count} ban{'' if count == 1 else 's'} in force")


def _entry(context: Context, rule: BanRule) -> str:
    zone = context.world.bans.zone
    since = f" since {format_stamp(rule.created_ms // 1000, zone)}"
    return f"{rule.shown_id}: {rule.target} is {describe(rule, zone)}, by {rule.by}{since}"


def tell_about(context: Context, target: NameTarget | NetworkTarget) -> None:
    """Show the ban on a target, or that there is none, and the users that a ban would hit."""
    world = context.world
    inside: list[BanRule] = []
    if isinstance(target, NameTarget):
        rule = world.bans.find_name(casefold(target.name), world.wall_ms)
        nicks = [user.nick for user in users_named(world, target.name)]
        label = target.name
    else:
        network = target.network
        rule = next(iter(world.bans.find_covering(network, world.wall_ms)), None)
        inside = [] if rule is not None else world.bans.find_inside(network, world.wall_ms)
        nicks = sorted(user.nick for user in users_in(context, network))
        label = ban_targets.format_network(network)
    if rule is None and inside:
        named = _some([f"{one.shown_id}: {one.target}" for one in inside])
        context.note("INFO", label, text=f"{label} is not banned as a whole; bans inside it ({len(inside)}): {named}")
    elif rule is None:
        context.note("INFO", label, text=f"{label} is not banned")
    else:
        context.note("INFO", label, text=_entry(context, rule))
    context.note("WOULD_HIT", label, text=f"{len(nicks)} of {len(world.users)} users: {_some(nicks) or 'none'}")


def _some(words: list[str]) -> str:
    """Return a list for people: its first words, and how many more there are."""
    shown = ", ".join(words[:MOST_NAMED])
    return shown if len(words) <= MOST_NAMED else f"{shown} and {len(words) - MOST_NAMED} more"
