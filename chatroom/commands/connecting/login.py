"""Checking a password and logging in: one way for PASS, SASL, OPER and the client's own dialogue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission import passwords, scram
from chatroom.chat.admission.ban_table import describe
from chatroom.chat.admission.flood import is_this_machine, limit_key
from chatroom.chat.enforcement import apply_account
from chatroom.chat.stored.records import Account, AccountEntry
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World


class Denied(NamedTuple):
    """A login that came to nothing."""

    why: str


Then = Callable[[Context, "AccountEntry | Denied"], "Pending | None"]
"""What follows a check."""


class Attempt:
    """One try to log in as ``name``, counted from its beginning, whether there is such an account or not.

    Those of one address take turns, so that many connections guess no faster than one. For the account it is a mere
    delay: nobody may lock somebody else out. A good login takes back all tries of its account, but of its address only
    itself: else an account of one's own would buy more guesses.
    """

    __slots__ = ("_account", "_address", "_turn_ms", "delay_ms", "name", "refusal")

    def __init__(self, context: Context, name: str) -> None:
        world, session = context.world, context.session
        self.name = name
        self.delay_ms = 0
        """How long to wait before the password is looked at."""
        self.refusal: Denied | None = None
        """Why it is not even begun, if it is not."""
        self._account = f"account {casefold(name)}"
        self._address = f"address {limit_key(session.version, session.address)}"
        self._turn_ms: int | None = None
        if not world.settings.limits.enabled:
            return
        if not is_this_machine(session.version, session.address):
            self._turn_ms = world.throttle.reserve(self._address, world.now_ms)
            if self._turn_ms is None:
                self.refusal = self._denied(context, "too many tries to log in from your address, wait a minute")
                return
            self.delay_ms = self._turn_ms - world.now_ms
        self.delay_ms = max(self.delay_ms, world.throttle.slow(self._account, world.now_ms))

    def judge(self, context: Context, account_id: int) -> AccountEntry | Denied:
        """Whether whoever proved the password of that account may log in; 0 is for who proved none."""
        world = context.world
        if world.accounts.find_by_id(account_id) is None:
            return self._denied(context, "wrong name or password")
        world.throttle.forget(self._account)
        if self._turn_ms is not None:
            world.throttle.forgive(self._address, self._turn_ms)
        outcome = admitted(world, account_id)
        return self._denied(context, outcome.why) if isinstance(outcome, Denied) else outcome

    def _denied(self, context: Context, why: str) -> Denied:
        name, address = printable(self.name), context.session.address_text
        context.world.log_line(f"refused login as {name} from {address}: {why}")
        return Denied(why)


def admitted(world: World, account_id: int) -> AccountEntry | Denied:
    """The account as it is now, unless it is gone, disabled, or its name is banned."""
    entry = world.accounts.find_by_id(account_id)
    if entry is None or entry.disabled:
        return Denied("this account is disabled")
    rule = world.bans.find_name(casefold(entry.name), world.now_ms)
    return entry if rule is None else Denied(f"you are {describe(rule)}")


class _Checked(NamedTuple):
    account_id: int
    """0 where the password does not hold."""
    stored: str
    scram: str | None


def check_password(context: Context, name: str, password: str, then: Then) -> Pending | None:
    """Check an account's password in a worker. Known and unknown names cost the same: one bcrypt check."""
    attempt = Attempt(context, name)
    if attempt.refusal is not None:
        return then(context, attempt.refusal)
    settings = context.world.settings.accounts

    def job(stores: Stores) -> _Checked:
        account = stores.accounts.find(name)
        account_id = account.id if account is not None else 0
        stored = stores.accounts.find_credential(account_id, "bcrypt")
        holds = passwords.verify(password, stored, settings.bcrypt_cost)
        return _Checked(
            account_id if holds else 0, stored or "", stores.accounts.find_credential(account_id, scram.KIND)
        )

    def after(context: Context, checked: _Checked) -> Pending | None:
        account_id = checked.account_id
        if not account_id or context.world.accounts.find_by_id(account_id) is not None:
            return conclude(context, checked)

        def go_on(context: Context, account: Account | None) -> Pending | None:
            if account is not None:
                know_account(context.world, account)
            return conclude(context, checked)

        return Pending("store", lambda stores: stores.accounts.find_by_id(account_id), go_on)

    def conclude(context: Context, checked: _Checked) -> Pending | None:
        outcome = attempt.judge(context, checked.account_id)
        if not isinstance(outcome, Denied):
            record_login(context, outcome)
            _renew(context, outcome.id, password, checked)
        return then(context, outcome)

    return Pending("password", job, after, attempt.delay_ms)


def know_account(world: World, account: Account) -> None:
    """Take in an account that was made from the shell so lately that the daemon has not been told of it yet."""
    if world.accounts.find_by_id(account.id) is None:
        apply_account(world, account.id, AccountEntry(account.id, account.name, account.role, account.disabled))


def record_login(context: Context, entry: AccountEntry) -> None:
    """Remember a good login, and show it on the operator's screen."""
    world = context.world
    world.log_line(f"login {entry.name} ({entry.role.word}) from {context.session.address_text}")
    moment = datetime.fromtimestamp(world.now_ms / 1000, UTC)
    world.remember(lambda stores: stores.accounts.record_login(entry.id, moment))


def _renew(context: Context, account_id: int, password: str, checked: _Checked) -> None:
    """Make the verifiers anew that are missing or of another cost, now that the password is at hand."""
    settings = context.world.settings.accounts
    wants_scram = settings.scram and scram.needs_renewal(checked.scram, settings.scram_iterations)
    wants_bcrypt = passwords.needs_rehash(checked.stored, settings.bcrypt_cost)
    if not wants_scram and not wants_bcrypt:
        return

    def renew(stores: Stores) -> None:
        verifier = scram.make_verifier(password, settings.scram_iterations) if wants_scram else None
        if verifier is not None:
            stores.accounts.add_credential(account_id, checked.stored, verifier)
        if wants_bcrypt:
            renewed = passwords.hash_password(password, settings.bcrypt_cost)
            stores.accounts.upgrade_credential(account_id, checked.stored, renewed)

    context.world.checks.append(renew)


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
