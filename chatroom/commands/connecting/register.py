"""Making an account from the chat: the checks of a name, and what follows when the account is there.

The account has the name of the nick of its user. A mail address is stored if the client gives one. No mail is sent.

Source: IRCv3 draft/account-registration.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.admission.durations import format_duration
from chatroom.chat.admission.flood import FREE_FAILURES_OF_A_NETWORK, limit_key, network_key
from chatroom.chat.admission.password_strength import find_weakness, must_be_strong
from chatroom.chat.enforcement import free_nick
from chatroom.chat.offered_capabilities import registers_before_connect
from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.stored.records import Account, AccountEntry, Actor, Credential, Role
from chatroom.commands.action_limits import wait_for_registration
from chatroom.commands.connecting.listed_addresses import ask_lists, find_listing
from chatroom.commands.connecting.login import TLS_REQUIRED, log_in, may_log_in, store_login_time
from chatroom.commands.connecting.nick_refusals import nick_refusal
from chatroom.commands.connecting.registration import advance, take_account
from chatroom.commands.context import NICKSERV, Context
from chatroom.commands.pending import Pending
from chatroom.commands.rooms.invitations import let_in
from chatroom.errors import AlreadyExists, InvalidValue
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.invite_records import Invite
    from chatroom.chat.stored.stores import Stores

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_ADDRESS_BYTES = 254  # RFC 5321: the longest path is 256 bytes, with its brackets


def register_name(
    context: Context,
    account: str,
    email: str,
    password: str,
    then: Callable[[Context, HeldRegistration], Pending | None],
) -> Pending | None:
    """Check all that a registration needs but the token of an invite, and call ``then``. ``*`` stands for nothing."""
    nick = get_nick(context)
    if refuse_stranger(context, account):
        return None
    pending = ask_lists(context, None, lambda context: register_name(context, account, email, password, then))
    if pending is not None:
        return pending
    if find_listing(context, None):
        context.fail("DISALLOWED", account, text="Your address is on a blocklist: no name can be registered from it")
        return None
    refused = _refused_nick(context, account, nick)
    if refused:
        context.fail("ACCOUNT_EXISTS", refused, text=f"{refused} is in use: choose another nick first")
        return None
    if not nick:
        context.fail("NEED_NICK", "*", text="Choose a nick first (NICK): it becomes the name of the account")
        return None
    name = nick if account == "*" else account
    settings = context.world.settings.accounts
    refusal = name_refusal(context, name, nick)
    if refusal is not None:
        context.fail(refusal[0], name, text=refusal[1])
    elif email == "*" and settings.email_required:
        context.fail("INVALID_EMAIL", name, text="This server needs your mail address to register an account")
    elif email != "*" and not is_address(email):
        way_out = "" if settings.email_required else ". None is needed: send * instead"
        context.fail("INVALID_EMAIL", name, text=f"This is not a mail address{way_out}")
    elif _is_short(context, name, password):
        pass
    elif wait_s := wait_for_registration(context):
        most = context.world.settings.limits.registrations_per_hour
        text = f"Too many names from your address (at most {most} an hour), try again in {format_duration(wait_s)}"
        context.fail("TEMPORARILY_UNAVAILABLE", name, text=text)
    else:
        return then(context, HeldRegistration(nick, None if email == "*" else email, password))
    return None


def get_nick(context: Context) -> str:
    """Return the nick of the session, which it may have asked for only so far; empty if there is none."""
    registration = context.session.registration
    return context.session.user.nick if context.session.user is not None else registration.nick if registration else ""


def _refused_nick(context: Context, account: str, nick: str) -> str:
    """Return the nick that the client asks to register although another user has it, as a 433 has said; or empty."""
    registration = context.session.registration
    refused = registration.refused_nick if registration is not None else ""
    if not refused or context.world.find_user(refused) is None:
        return ""
    # An asterisk means the nick that was accepted, if one was before the refused one.
    wanted = (nick or refused) if account == "*" else account
    return refused if casefold(wanted) == casefold(refused) else ""


def is_address(text: str) -> bool:
    """True if the text has the form of a mail address."""
    return _ADDRESS.fullmatch(text) is not None and text.isprintable() and len(text.encode()) <= _ADDRESS_BYTES


def refuse_stranger(context: Context, account: str) -> bool:
    """Refuse a session that may not register any name, or is logged in already. True if it was refused."""
    session, settings = context.session, context.world.settings
    user, registration = session.user, session.registration
    own = user.account if user is not None else registration.account if registration is not None else None
    if own is not None:
        context.fail("ALREADY_AUTHENTICATED", account, text=f"You are already logged in as {own.name}")
    elif user is None and not _may_register_early(context):
        context.fail("COMPLETE_CONNECTION_REQUIRED", account, text="Connect under the name first, then register it")
    elif user is not None and not may_log_in(user, None):
        text = "Disconnect your other devices first: they would be logged in without the password"
        context.fail("DISALLOWED", account, text=text)
    elif context.world.lockdown.at(context.world.wall_ms).closes_registration(settings.accounts.registration):
        context.fail("TEMPORARILY_UNAVAILABLE", account, text="No names are registered at the moment, try again later")
    elif settings.accounts.require_tls and not session.is_private:
        context.fail("TLS_REQUIRED", account, text=TLS_REQUIRED[:1].upper() + TLS_REQUIRED[1:])
    elif settings.accounts.registration == "closed":
        context.fail("DISALLOWED", account, text="This server does not register names from the chat. Ask an admin")
    else:
        return False
    return True


def _may_register_early(context: Context) -> bool:
    """True if the session may register before its connection is complete. The server's password comes first."""
    settings, registration = context.world.settings, context.session.registration
    if registers_before_connect(settings) or not settings.accounts.register_before_connect or registration is None:
        return registers_before_connect(settings)
    wanted = settings.server.password.encode()
    # They are used when the connection completes.
    given = [hmac.compare_digest(one.encode(), wanted) for one in registration.passwords]
    return registration.server_password_given or any(given)


def name_refusal(context: Context, name: str, nick: str) -> tuple[str, str] | None:
    """Return the code and the text of the refusal if an account must not have the name; otherwise None."""
    if casefold(name) != casefold(nick):
        return "ACCOUNT_NAME_MUST_BE_NICK", "You can register only your own nick"
    if context.world.accounts.find(name) is not None:
        return "ACCOUNT_EXISTS", f"{name} is already registered"
    refusal = nick_refusal(context, name, None)
    return ("BAD_ACCOUNT_NAME", refusal[2]) if refusal is not None else None


def _is_short(context: Context, name: str, password: str) -> bool:
    """Refuse a password that is too short. True if it is."""
    least = context.world.settings.accounts.password_min_length
    if len(password) < least:
        context.fail("WEAK_PASSWORD", name, text=f"A password has at least {least} characters")
    return len(password) < least


def make_new_credentials(
    context: Context,
    name: str,
    password: str,
    then: Callable[[Context, list[Credential]], Pending | None],
    role: Role = Role.USER,
) -> Pending | None:
    """Refuse a password that must not be set for the account ``name``, or go on with its credentials.

    ``role`` is the account's. A worker makes the credentials, and ``then`` is called in a later tick.
    """
    world = context.world
    settings = world.settings.accounts
    if _is_short(context, name, password):
        return None
    delay_ms = 0
    if world.settings.limits.enabled and context.role < Role.ADMIN:
        version, address = context.session.version, context.session.address
        delay_ms = world.throttle.slow(f"register {limit_key(version, address)}", world.mono_ms)
        if version == 6:
            key, free = f"register {network_key(version, address)}", FREE_FAILURES_OF_A_NETWORK
            delay_ms = max(delay_ms, world.throttle.slow(key, world.mono_ms, free))

    def hash_it(stores: Stores) -> list[Credential] | tuple[str, str]:
        weakness = find_weakness(password, name) if must_be_strong(role) else None
        if weakness is not None:
            return "WEAK_PASSWORD", f"The password {weakness}, and you are {role.with_article}"
        try:
            return make_credentials(password, settings)
        except InvalidValue as error:
            # Code and text, because ``resume`` would answer an error with its own code, INVALID_PARAMS.
            return "UNACCEPTABLE_PASSWORD", str(error)

    def go_on(context: Context, credentials: list[Credential] | tuple[str, str]) -> Pending | None:
        if isinstance(credentials, tuple):
            context.fail(credentials[0], name, text=credentials[1])
            return None
        return then(context, credentials)

    return Pending("password", hash_it, go_on, delay_ms)


def create_account(
    context: Context,
    name: str,
    email: str | None,
    password: str,
    actor: Actor,
    done: Callable[[Context, AccountEntry], Pending | None],
) -> Pending | None:
    """Create an account in a worker, then call ``done``, which frees its nick. The caller has checked the name."""

    def create(context: Context, credentials: list[Credential]) -> Pending:
        def job(stores: Stores) -> Account | None:
            try:
                # The name was free when the line came, but another session may have registered it meanwhile.
                return stores.accounts.create(name, Role.USER, credentials, actor, email)
            except AlreadyExists:
                return None

        return Pending("store", job, take_in)

    def take_in(context: Context, account: Account | None) -> Pending | None:
        if account is None:
            context.fail("ACCOUNT_EXISTS", name, text=f"{name} is already registered")
            return None
        entry = account.entry
        context.world.accounts.put(entry)
        return done(context, entry)

    return make_new_credentials(context, name, password, create)


def hand_over(context: Context, user: User, account_id: int) -> None:
    """Give a new account the read markers and metadata that its user had as a guest."""
    own = context.world.online.account_data[account_id] = user.account_data
    markers, metadata = dict(own.markers), dict(own.metadata)

    def store(stores: Stores) -> None:
        for target, read_ms in markers.items():
            stores.account_data.set_marker(account_id, target, read_ms)
        stores.account_data.set_metadata(account_id, metadata)

    if markers or metadata:
        context.world.work.write(store)


def finish_registration(context: Context, entry: AccountEntry, invite: Invite | None = None) -> Pending | None:
    """Log the session in to the account that it has just made, with an invite or without one."""
    world, name, session = context.world, entry.name, context.session
    user, session.held = session.user, None
    if user is not None:
        hand_over(context, user, entry.id)
    how = f" with invite {invite.id} of {invite.by}" if invite is not None else ""
    world.log_line(f"registered {name} from {session.address_text}{how}")
    text = f"{name} is registered and you are logged in"
    if context.verb == NICKSERV:
        context.notice(text)
    else:
        context.from_server(context.verb, "SUCCESS", name, text)
    if user is not None:
        log_in(context, user, entry)
    else:
        take_account(context, entry)
    if not session.closing:
        store_login_time(world, entry)
    channel = invite.channel if invite is not None else ""
    if user is not None:
        let_in(context, user, channel)
    elif session.registration is not None:
        session.registration.channel = channel
    # The session may have ended or changed its nick meanwhile, and a guest may have taken the nick.
    free_nick(world, entry)
    return advance(context)
