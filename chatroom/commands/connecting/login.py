"""Checking a password and logging in: the same way for PASS, SASL, OPER and NickServ."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission import passwords, scram
from chatroom.chat.admission.exemption import is_exempt
from chatroom.chat.admission.flood import LONGEST_DELAY_MS, is_private_network
from chatroom.chat.admission.login_keys import account_key, address_key, free_failures, site_key
from chatroom.chat.always_on import find_alone
from chatroom.chat.log_line import LogWarning
from chatroom.chat.operator_mode import operator_mode_event, operators_of, tell_operator_mode
from chatroom.chat.stored.records import Account, AccountEntry
from chatroom.commands.connecting.proven_accounts import Denied, admitted, with_known_account
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.commands.rooms.rejoining import come_back
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World


TLS_REQUIRED = "this server takes passwords over TLS only: connect with TLS, and change one that you have just sent"
"""The refusal of a login in clear (``accounts.require_tls``)."""


Then = Callable[[Context, "AccountEntry | Denied"], "Pending | None"]
"""What the verb does with the result of a check."""


class Attempt:
    """One try to log in as ``name``. It counts from when it is made, even if there is no such account.

    The tries of one address take turns, so that many connections guess no faster than one. Tries for one account are
    only delayed, because a refusal would let any user lock the owner out. A good login takes back all tries of its
    account, but only itself for its address: otherwise an attacker could log in to an account of their own between
    guesses.
    """

    __slots__ = ("_account", "_address", "_network", "_turn_mono_ms", "delay_ms", "name", "refusal")

    def __init__(self, context: Context, name: str, *, guessable: bool = True) -> None:
        world, session = context.world, context.session
        self.name = name
        self.delay_ms = 0
        """How long to wait before the password is checked."""
        self.refusal: Denied | None = None
        """Why the password must not be checked at all; None if it may be."""
        # No certificate and no token can be guessed. So a try by one neither delays the account's logins by password
        # nor waits for those of others.
        self._account = account_key(name) if guessable else ""
        self._address = address_key(session.version, session.address)
        self._network = site_key(session.version, session.address)
        self._turn_mono_ms: int | None = None
        if world.settings.accounts.require_tls and not session.is_private:
            self.refusal = self._denied(context, Denied(TLS_REQUIRED, numerics.ERR_YOUREBANNEDCREEP))
            return
        if not world.settings.limits.enabled:
            return
        if not is_exempt(world.settings, session.version, session.address):
            self._turn_mono_ms = world.throttle.reserve(self._address, world.mono_ms, self._network)
            if self._turn_mono_ms is None:
                wait_s = _seconds(world.throttle.wait_for_turn_ms(self._address, world.mono_ms, self._network))
                why = f"too many tries to log in from your address, try again in {max(1, wait_s)} s"
                self.refusal = self._denied(context, Denied(why, numerics.RPL_TRYAGAIN))
                return
            self.delay_ms = self._turn_mono_ms - world.mono_ms
        if self._account:
            # The turn of the address and the delay of the account pass at the same time.
            self.delay_ms = max(self.delay_ms, world.throttle.slow(self._account, world.mono_ms))

    def judge(
        self, context: Context, proven: Account | None, why: str = "wrong name or password"
    ) -> AccountEntry | Denied:
        """Return the account, if the session proved that it is its own and may log in.

        ``proven`` is None if it did not, and ``why`` is the reason of the refusal then.
        """
        world = context.world
        keys = self._counted(world)
        if proven is None or world.accounts.find_by_id(proven.id) is None:
            # A name that no account has may be a password: it is counted, and not stored.
            known = [key for key in keys if key != self._account or world.accounts.find(self.name) is not None]
            world.kept_failures.save(known, world.wall_ms, world.mono_ms)
            return self._denied(context, Denied(why), self._next_wait(world, keys))
        self.forgive(world)
        outcome = admitted(world, proven.entry)
        return self._denied(context, outcome) if isinstance(outcome, Denied) else outcome

    def forgive(self, world: World) -> None:
        """Take the try back, because its proof was good."""
        world.throttle.forget(self._account)
        if self._turn_mono_ms is not None:
            for key in filter(None, (self._address, self._network)):
                world.throttle.forgive(key, self._turn_mono_ms)
        world.kept_failures.forgive(self._counted(world), world.wall_ms, world.mono_ms)

    def wait(self, context: Context) -> Denied:
        """Return the refusal of who has asked for the account, and has the password of the request."""
        self.forgive(context.world)
        why = "your registration waits for a moderator, try again later"
        return self._denied(context, Denied(why, numerics.RPL_TRYAGAIN))

    def put_off(self, context: Context) -> Denied:
        """Return the refusal of a try whose password was not checked, because too many wait for that."""
        return self._denied(context, Denied("too many log in at once, try again in a moment", numerics.RPL_TRYAGAIN))

    def _counted(self, world: World) -> list[str]:
        """The keys that this try counts for."""
        keys = [self._account] if self._account and world.settings.limits.enabled else []
        if self._turn_mono_ms is not None:
            keys += filter(None, (self._address, self._network))
        return keys

    def _next_wait(self, world: World, keys: list[str]) -> str:
        """What the user reads of the delay before the next try; nothing if there is none."""
        wait_ms = 0
        for key in keys:
            delay_ms = world.throttle.next_delay_ms(key, world.mono_ms, free_failures(key))
            # Tries of an account that wait already do not delay the next one: see ``LoginThrottle.slow``.
            wait_ms = max(wait_ms, min(delay_ms, LONGEST_DELAY_MS) if key == self._account else delay_ms)
        wait_s = _seconds(wait_ms)
        return f"; the next try waits {wait_s} s" if wait_s else ""

    def _denied(self, context: Context, denied: Denied, told: str = "") -> Denied:
        """Log a refusal and return it, with what only the user reads."""
        name, address = printable(self.name), context.session.address_text
        if context.world.accounts.find(name) is None:
            name = "an unknown name"  # it may be a password: people mix up the order of the two
        context.world.runtime.counts.logins_bad += 1
        context.world.log_line(f"refused login as {name} from {address}: {denied.why}")
        return denied._replace(why=denied.why + told) if told else denied


def _seconds(milliseconds: int) -> int:
    """Round up to whole seconds."""
    return -(-milliseconds // 1000)


class _Checked(NamedTuple):
    account: Account | None
    """None if the password is wrong."""
    stored: str
    """The stored bcrypt hash; empty if there is none."""
    scram: str | None
    """The stored SCRAM verifier, if any."""
    waits: bool = False
    """True if the password is that of a request for the name, which a moderator has not decided yet."""


def check_password(context: Context, name: str, password: str, then: Then) -> Pending | None:
    """Check an account's password in a worker, then go on with ``then``.

    Known and unknown names cost one bcrypt check each, so the time does not tell whether an account exists.
    """
    attempt = Attempt(context, name)
    if attempt.refusal is not None:
        return then(context, attempt.refusal)
    settings = context.world.settings.accounts

    def job(stores: Stores) -> _Checked:
        account, verifiers = stores.accounts.find_with_credentials(name)
        if account is None:
            stored = stores.requests.find_credential(name, "bcrypt")
            return _Checked(None, "", None, waits=passwords.verify(password, stored, settings.bcrypt_cost))
        stored = verifiers.get("bcrypt")
        holds = passwords.verify(password, stored, settings.bcrypt_cost)
        return _Checked(account if holds else None, stored or "", verifiers.get(scram.KIND))

    def after(context: Context, checked: _Checked) -> Pending | None:
        def conclude(context: Context, account: Account | None) -> Pending | None:
            outcome = attempt.judge(context, account)
            if not isinstance(outcome, Denied):
                record_login(context, outcome)
                _warn_of_plaintext(context)
                _renew(context, outcome.id, password, checked)
            return then(context, outcome)

        if checked.waits:
            return then(context, attempt.wait(context))

        return with_known_account(context, checked.account, conclude)

    return Pending(
        "password",
        job,
        after,
        attempt.delay_ms,
        if_overloaded=lambda context: then(context, attempt.put_off(context)),
        reads=True,
    )


def end_after_failures(context: Context) -> None:
    """Count a failed login of the session, and close it after too many before the connection is complete.

    A client that keeps trying there is a guesser or a bot in a loop.
    """
    session, limits = context.session, context.world.settings.limits
    session.login_tries += 1
    if limits.enabled and session.login_tries >= limits.login_tries and session.user is None:
        context.world.log_line(f"refused {session.address_text}: {session.login_tries} failed logins")
        context.world.close(session, "Too many failed logins")


def _warn_of_plaintext(context: Context) -> None:
    """Warn the user that the password has crossed the open network in clear. Private networks are left alone."""
    session = context.session
    if not session.is_private and not is_private_network(session.version, session.address):
        context.notice("Your password has crossed the network unencrypted: connect with TLS, and change the password")
        context.world.log_line(f"a password came unencrypted from {session.address_text}", LogWarning)


def record_login(context: Context, entry: AccountEntry, certificate: str = "") -> None:
    """Count a good login, write a log line and store the time.

    ``certificate`` is the fingerprint of the certificate that proved the account; empty if a password did.
    """
    world = context.world
    how = " by a certificate" if certificate else ""
    world.runtime.counts.logins_good += 1
    world.log_line(f"login {entry.name} ({entry.role.word}) from {context.session.address_text}{how}")
    store_login_time(world, entry, certificate)


def store_login_time(world: World, entry: AccountEntry, certificate: str = "") -> None:
    """Store that somebody has logged in to the account now, and by which certificate, if by one."""
    moment = datetime.fromtimestamp(world.wall_ms / 1000, UTC)

    def write(stores: Stores) -> None:
        stores.accounts.record_login(entry.id, moment)
        if certificate:
            stores.client_certificates.record_login(certificate, moment)

    world.work.write(write)


def _renew(context: Context, account_id: int, password: str, checked: _Checked) -> None:
    """Store new credentials if they are missing or have another cost than the settings say.

    Only a login can do that, because the password itself is never stored.
    """
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

    # In a password worker: each hash takes a quarter of a second, and no session waits for it.
    context.world.work.check(renew)


def log_in_present(
    context: Context,
    account: AccountEntry,
    refuse: Callable[[Context, Denied], None],
    refuse_another: Callable[[Context], None],
    done: Callable[[Context], None],
) -> Pending | None:
    """Log the session's user in to an account whose password the session has proved, then call ``done``.

    ``refuse`` is called instead if the account may not log in any more, and ``refuse_another`` if other sessions of the
    user would be logged in too (``may_log_in``).
    """

    def go_on(context: Context) -> Pending | None:
        # Looked up again: the account may have changed while its data were read, and another session have come.
        user, known = context.session.user, admitted(context.world, account)
        if isinstance(known, Denied):
            refuse(context, known)
        elif user is not None and not may_log_in(user, known):
            refuse_another(context)
        elif user is not None:
            is_new = log_in(context, user, known)
            done(context)
            return come_back(context) if is_new else None
        return None

    user = context.session.user
    if user is None or not may_log_in(user, account):
        return go_on(context)
    return with_account_data(context, account, go_on)


def log_in(context: Context, user: User, account: AccountEntry) -> bool:
    """Log a user in to an account. The user reads 900, and sessions with account-notify read ACCOUNT.

    Return True if the user had no account, or another one: then the caller has it ``come_back``.

    The caller has checked that no other session of the user would be logged in with it (``may_log_in``).
    """
    context.reply(numerics.RPL_LOGGEDIN, user.prefix, account.name, text=f"You are now logged in as {account.name}")
    before, old = operators_of(user), user.account
    context.world.set_account(user, account)
    context.world.online.step_up(user, context.session)
    show_operator_mode(context, user, before)
    if user.account_data.is_bot and not user.bot:
        user.bot = True
        event = context.world.outbox.event(user.prefix, f"MODE {user.nick} +B", user)
        context.world.tell_user(user, event, skip=context.session)
        context.say(event)
    context.world.whereabouts.save_user(user)
    # Behind the login, which keeps the account's data in memory. What it leaves, the user comes back to.
    alone = find_alone(context.world, account.id)
    if alone is not None:
        context.world.remove_user(alone, f"Connected as {user.nick}", returns=True)
    return old is None or old.id != account.id


def may_log_in(user: User, account: AccountEntry | None) -> bool:
    """True if one session may log its user in to an account, or in to a new one (None).

    The account is the user's: other sessions would be logged in to it as well, and they have proved nothing.
    """
    own = user.account
    return len(user.sessions) == 1 or (own is not None and account is not None and own.id == account.id)


def show_operator_mode(context: Context, user: User, before: Collection[Session]) -> None:
    """Send MODE +o or -o to the user's sessions that have become operators since ``before``, or are none any more."""
    # The session that logged in gets it by ``say``, so that it is part of a labelled answer.
    tell_operator_mode(context.world, user, before, skip=context.session)
    event = operator_mode_event(context.world, user, context.session, before)
    if event is not None:
        context.say(event)
