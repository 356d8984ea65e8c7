"""Checking a password and logging in: one way for PASS, SASL, OPER and the client's own dialogue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat import passwords
from chatroom.chat.bans import describe
from chatroom.chat.records import AccountEntry, Role
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stores import Stores
    from chatroom.chat.user import User

Then = Callable[[Context, "AccountEntry | None", str], "Pending | None"]
"""What follows a check: the account, or None and why not, in words."""


class _Checked(NamedTuple):
    account_id: int
    stored: str | None
    holds: bool


def check_password(context: Context, name: str, password: str, then: Then) -> Pending:
    """Check an account's password in a worker. Known and unknown names cost the same: one bcrypt check."""
    world = context.world
    accounts, limits = world.settings.accounts, world.settings.limits
    keys = (f"address {context.session.address_text}", f"account {casefold(name)}")
    delay_ms = world.throttle.delay_ms(keys, world.now_ms) if limits.enabled else 0
    cost = accounts.bcrypt_cost

    def job(stores: Stores) -> _Checked:
        account = stores.accounts.find(name)
        stored = stores.accounts.find_credential(account.id, "bcrypt") if account is not None else None
        holds = passwords.verify(password, stored, cost)
        return _Checked(account.id if account is not None else 0, stored, holds)

    def after(context: Context, checked: _Checked) -> Pending | None:
        world = context.world
        entry = world.accounts.find_by_id(checked.account_id) if checked.holds else None
        if entry is None:
            world.throttle.failed(keys, world.now_ms)
            return _refused(context, name, "wrong name or password", then)
        if entry.disabled:
            return _refused(context, name, "this account is disabled", then)
        rule = world.bans.find_name(casefold(entry.name), world.now_ms)
        if rule is not None:
            return _refused(context, name, f"you are {describe(rule)}", then)
        world.throttle.succeeded(keys)
        _note_login(context, entry, password, checked.stored or "", cost)
        return then(context, entry, "")

    return Pending("password", job, after, delay_ms)


def _refused(context: Context, name: str, why: str, then: Then) -> Pending | None:
    context.world.note(f"refused login as {name} from {context.session.address_text}: {why}")
    return then(context, None, why)


def _note_login(context: Context, entry: AccountEntry, password: str, stored: str, cost: int) -> None:
    world = context.world
    world.note(f"login {entry.name} ({entry.role.word}) from {context.session.address_text}")
    moment = datetime.fromtimestamp(world.now_ms / 1000, UTC)
    world.remember(lambda stores: stores.accounts.record_login(entry.id, moment))
    if passwords.needs_rehash(stored, cost):

        def rehash(stores: Stores) -> None:
            stores.accounts.upgrade_credential(entry.id, stored, passwords.hash_password(password, cost))

        world.checks.append(rehash)


def log_in(context: Context, user: User, account: AccountEntry) -> None:
    """Make somebody present the wearer of an account, and tell them and those who asked to know."""
    was_operator = user.is_operator
    context.reply(numerics.RPL_LOGGEDIN, user.prefix, account.name, text=f"You are now logged in as {account.name}")
    context.world.set_account(user, account)
    show_operator_mode(context, user, was_operator)


def show_operator_mode(context: Context, user: User, was_operator: bool) -> None:
    """Tell somebody about +o where it came or went with their account's role."""
    if user.is_operator != was_operator:
        sign = "+" if user.is_operator else "-"
        event = context.world.event(context.server, f"MODE {user.nick} {sign}o")
        context.world.tell_user(user, event, skip=context.session)
        if context.session in user.sessions:
            context.say(event)


def role_article(role: Role) -> str:
    """A role as it is told: ``an admin``, ``a moderator``."""
    return f"an {role.word}" if role is Role.ADMIN else f"a {role.word}"
