"""What new bans and changed accounts do to the users online.

Both come from verbs and from the shell. Everything here runs under the hub lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.account_names import carry_name
from chatroom.chat.admission.ban_policy import HitCount
from chatroom.chat.admission.ban_table import describe, explain
from chatroom.chat.admission.reserved_names import find_reserved, is_withheld
from chatroom.chat.operator_mode import operators_of, tell_operator_mode
from chatroom.chat.stored.records import AccountEntry, BanRule, Network, Role
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World


AT_ONCE = 50
"""So many sessions a ban ends in its own tick. Each QUIT is told to everyone in the user's channels: a thousand of them
in one tick would keep all others waiting."""
LOGIN_ENDED = "The password of your account was changed: log in with the new one"
"""What a session reads that had logged in with the old password."""


def users_named(world: World, name: str) -> list[User]:
    """Find the users that a ban of a name is for: the one with that nick, and those logged in to that account."""
    found: dict[User, None] = {}
    holder = world.find_user(name)
    if holder is not None:
        found[holder] = None
    account = world.accounts.find(name)
    if account is not None:
        found.update(dict.fromkeys(world.online.users_of(account.id)))
    return list(found)


def sessions_in(world: World, network: Network) -> list[Session]:
    """Find the sessions whose real address is in the network."""
    version, first, last = network.version, int(network.network_address), int(network.broadcast_address)
    return [
        session
        for session in world.sessions.values()
        if session.version == version and first <= session.address <= last
    ]


class _Hit(NamedTuple):
    """A session that a new ban ends, or a user whose sessions it ends."""

    rule: BanRule
    user: User | None
    session: Session | None
    """None for a ban by name, which ends all sessions of the user, and for a user without sessions."""


def count_hits(world: World, rules: Iterable[BanRule], role: Role | None, spared: User | None = None) -> HitCount:
    """Count whom ``enforce_rules`` would disconnect."""
    sessions: set[Session] = set()
    users: set[User] = set()
    for hit in _find_hits(world, rules, role, spared):
        if hit.user is not None:
            users.add(hit.user)
        if hit.session is not None:
            sessions.add(hit.session)
        elif hit.user is not None:
            sessions.update(hit.user.sessions)
    present = [user for user in users if user.sessions]
    disconnected = sum(sessions.issuperset(user.sessions) for user in present)
    return HitCount(disconnected, len(sessions), len(users) - len(present))


def enforce_rules(world: World, rules: Sequence[BanRule], role: Role | None, spared: User | None = None) -> None:
    """Disconnect the users and sessions that new bans hit: the first ``AT_ONCE`` now, the rest in the next ticks.

    ``role`` is the issuer's: users with the same role or a higher one are spared. None spares no role.
    ``spared`` is a user that is spared in any case.
    """
    hits = _find_hits(world, rules, role, spared)
    for hit in hits[:AT_ONCE]:
        _disconnect_present(world, hit, role or Role.ADMIN)
    for hit in hits[AT_ONCE:]:
        world.work.put_off.append(partial(_disconnect_present, world, hit, role or Role.ADMIN))
    for rule in rules:
        if rule.name is not None:
            for session, user in _opered_as(world, world.accounts.find(rule.name)):
                if role is None or session.rank < role:
                    _set_oper(world, user, session, None)


def _find_hits(world: World, rules: Iterable[BanRule], role: Role | None, spared: User | None) -> list[_Hit]:
    def is_spared(user: User, rank: Role) -> bool:
        return user is spared or (role is not None and rank >= role)

    hits = []
    networks: set[int] = set()
    for rule in rules:
        if rule.name is None:
            networks.add(rule.id)
        else:
            users = users_named(world, rule.name)
            hits += [_Hit(rule, user, None) for user in users if not is_spared(user, user.rank)]
    # One look in the ban table for each session: an import of 100,000 bans costs no more than one ban.
    for session in world.sessions.values() if networks else ():
        if session.user is None or not is_spared(session.user, session.rank):
            covering = world.bans.find_all(session.version, session.address, world.wall_ms)
            hits += [_Hit(rule, session.user, session) for rule in covering if rule.id in networks][:1]
    for user in find_absent(world) if networks else ():
        if user.former_addresses and not is_spared(user, user.rank):
            last = ip_address(user.former_addresses[-1])
            covering = world.bans.find_all(last.version, int(last), world.wall_ms)
            hits += [_Hit(rule, user, None) for rule in covering if rule.id in networks][:1]
    return hits


def find_absent(world: World) -> list[User]:
    """Find the users that are always on and not connected. Those that were not since the start have no address."""
    everyone = [user for users in world.online.by_account.values() for user in users]
    return [user for user in everyone if not user.sessions]


def _disconnect_present(world: World, hit: _Hit, issuer: Role) -> None:
    # Another ban, or the client itself, can have ended the session or the user by now. A user need not have a session.
    session, user = hit.session, hit.user
    if not session.closing if session is not None else user is not None and world.users.get(user.folded) is user:
        _disconnect(world, hit, issuer)


def _disconnect(world: World, hit: _Hit, issuer: Role) -> None:
    rule, user, session = hit
    by = f"an {issuer.word}" if issuer is Role.ADMIN else f"a {issuer.word}"
    why = describe(rule, world.bans.zone)
    text = f"You were kicked by {by}: {why}"
    if user is None:
        if session is not None:  # not registered yet
            world.close(session, text)
        return
    others = f"{user.nick} was kicked by {by}: {why}"
    if session is not None and len(user.sessions) > 1:
        world.log_line(f"kicked {session.address_text}, one of {user.nick}'s connections: {why}")
    else:
        world.log_line(f"kicked {user.nick}: {why}")
    if session is not None:
        world.close(session, text, others, returns=False)
    else:
        world.close_user(user, text, others)


def apply_rules(world: World, changed: Iterable[tuple[int, BanRule | None]]) -> None:
    """Take in bans that another process changed, as pairs of the ban's id and its rule; None if it is not in force."""
    added = []
    for ban_id, rule in changed:
        if rule is None:
            old = world.bans.get(ban_id)
            if old is not None:
                world.bans.discard(ban_id)
                world.log_line(f"unbanned {old.target} from the shell")
        elif world.bans.get(ban_id) != rule:  # another node has told it, and has disconnected whom it hits
            world.bans.add(rule)
            added.append(rule)
            if len(added) <= 10:
                world.log_line(f"banned {rule.target} by {rule.by}: {explain(rule, world.bans.zone)}")
    if len(added) > 10:
        world.log_line(f"… and {len(added) - 10} more bans")
    if added:
        enforce_rules(world, added, None)


def end_unregistered(world: World, rule: BanRule) -> None:
    """End the sessions of this daemon that a ban of another node hits. It knows those that are registered."""
    if rule.name is None:
        for session in list(world.online.unregistered):
            found = world.bans.find_all(session.version, session.address, world.wall_ms)
            if any(each.id == rule.id for each in found):
                _disconnect(world, _Hit(rule, None, session), Role.ADMIN)


def restore_rules(world: World, rules: Iterable[BanRule]) -> None:
    """Put bans into force again that had run out by a clock which was ahead and is set right now."""
    restored = []
    for rule in rules:
        known = world.bans.find_target(rule.target)
        # A ban with a higher id has replaced it, and so has one that is not stored yet.
        if known is None or (known.is_stored and known.id <= rule.id):
            world.bans.add(rule)
            restored.append(rule)
    if restored:
        world.log_line(f"the clock was set back: {len(restored)} ban(s) in force again")
        enforce_rules(world, restored, None)


def apply_account(world: World, account_id: int, entry: AccountEntry | None, spared: Session | None = None) -> None:
    """Take in an account that was changed in the store. ``entry`` is None if the account was deleted.

    A new password ends the sessions that have logged in with the old one, but for ``spared``, which has changed it.
    """
    old = world.accounts.find_by_id(account_id)
    if entry is None:
        world.accounts.discard(account_id)
        for channel in world.channels.values():
            channel.set_access(account_id, None)
            if channel.founder_id == account_id:
                channel.founder_id = None
    else:
        world.accounts.put(entry)
        if old is None or casefold(old.name) != casefold(entry.name):
            free_nick(world, entry)
        # Before the users read that they are logged in to it: their nick would not be their account's.
        if old is not None and old.name != entry.name:
            carry_name(world, old, entry)
    for user in list(world.online.users_of(account_id)):
        if not user.sessions and (entry is None or entry.disabled or not entry.always_on):
            world.log_line(f"left: {user.nick} (no longer always on)")
            world.remove_user(user, "No longer always on", returns=True)
        elif entry is None or entry.disabled:
            what = "deleted" if entry is None else "disabled"
            world.log_line(f"logged out {user.nick}: the account was {what}")
            world.tell_notice(user, f"Your account was {what} by an admin: you are logged out")
            _log_out(world, user)
        else:
            _change_account(world, user, entry)
    is_new = entry is not None and old is not None and entry.password_changes > old.password_changes
    for session, user in _opered_as(world, old):
        holds = entry is not None and not entry.disabled and entry.role >= Role.MODERATOR
        _set_oper(world, user, session, entry if holds and not (is_new and session is not spared) else None)
    if is_new:
        _end_logins(world, account_id, spared)


def _end_logins(world: World, account_id: int, spared: Session | None) -> None:
    """End the sessions of an account whose password was replaced."""
    for session in list(world.sessions.values()):
        registration, user = session.registration, session.user
        if session is spared:
            continue
        if registration is not None and registration.account is not None and registration.account.id == account_id:
            registration.account = None
        elif user is not None and user.account is not None and user.account.id == account_id:
            world.log_line(f"left: {user.nick} ({LOGIN_ENDED})")
            world.close(session, LOGIN_ENDED)


def free_nick(world: World, entry: AccountEntry) -> None:
    """Rename the user whose nick is the name of a new account, unless the user is logged in to that account."""
    holder = world.find_user(entry.name)
    if holder is None or (holder.account is not None and holder.account.id == entry.id):
        return
    _take_nick(world, holder, "the name was registered", "is registered now and needs its password")


def free_reserved_nicks(world: World) -> None:
    """Take the reserved names from all users that must not have them, after ``accounts.reserved_names`` has changed."""
    for user in list(world.users.values()):
        _free_reserved_nick(world, user)


def _free_reserved_nick(world: World, user: User) -> None:
    if is_withheld(world.settings.accounts.reserved_names, user.nick, user.account):
        _take_nick(world, user, "the name is reserved for the server", "is reserved for the server")


def _take_nick(world: World, user: User, why: str, told: str) -> None:
    """Give a user a guest's nick. The log says ``why``; the user reads the nick and then ``told``."""
    nick = _guest_nick(world)
    world.log_line(f"{user.nick} is now {nick}: {why}")
    world.tell_notice(user, f"{user.nick} {told}: you are {nick} now")
    world.rename(user, nick)


def _guest_nick(world: World) -> str:
    """Make a nick that no user has, nobody has registered, and the settings do not reserve."""
    reserved = world.settings.accounts.reserved_names
    while True:
        world.online.last_guest_number += 1
        nick = f"Guest{world.online.last_guest_number}"
        is_taken = world.find_user(nick) is not None or world.accounts.find(nick) is not None
        if not is_taken and find_reserved(reserved, nick) is None:
            return nick


def _log_out(world: World, user: User) -> None:
    before = operators_of(user)
    for session in user.sessions:
        code, text = numerics.RPL_LOGGEDOUT
        world.tell_session(session, f":{world.settings.server.name} {code} {user.nick} {user.prefix} :{text}")
    world.set_account(user, None)
    tell_operator_mode(world, user, before)
    # A disabled account's name stays registered, so a guest cannot have it as a nick.
    if world.accounts.find(user.nick) is not None:
        world.rename(user, _guest_nick(world))
    else:
        # Only the account of that name allowed a reserved nick, and it was deleted.
        _free_reserved_nick(world, user)


def _change_account(world: World, user: User, entry: AccountEntry) -> None:
    before = operators_of(user)
    old_role = user.account.role if user.account is not None else None
    renamed = user.account_name != entry.name
    world.set_account(user, entry)
    world.whereabouts.save_user(user)
    tell_operator_mode(world, user, before)
    if renamed:
        _free_reserved_nick(world, user)
    if old_role is not entry.role:
        world.log_line(f"{user.nick} is now {entry.role.word}")
        world.tell_notice(user, f"Your account's role is now: {entry.role.word}")


def _opered_as(world: World, account: AccountEntry | None) -> list[tuple[Session, User]]:
    """Find the sessions that have the rights of an account by OPER, with their users."""
    return [
        (session, session.user)
        for session in world.online.opered
        if session.user is not None and account is not None and session.oper is not None
        if session.oper.id == account.id
    ]


def _set_oper(world: World, user: User, session: Session, entry: AccountEntry | None) -> None:
    """Take a changed account over into the rights of a session, or take the rights back (None)."""
    before, old = operators_of(user), session.oper
    world.online.set_oper(user, session, entry)
    tell_operator_mode(world, user, before)
    if entry is None and old is not None:
        world.log_line(f"{user.nick} ({session.address_text}) no longer has the rights of {old.name}")
        text = f"You no longer have the rights of {old.name}"
        world.tell_event(session, world.outbox.event(world.settings.server.name, f"NOTICE {user.nick} :{text}"))
