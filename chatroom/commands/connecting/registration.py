"""Becoming somebody: what is checked when NICK and USER are known and CAP is closed, and the welcome.

Source: Modern IRC Client Protocol, "Connection Registration". Clients send NICK before they authenticate, so a nick is
judged here, when registration would complete, and not when it is sent. Every new fact (a nick, a password, an account,
CAP END) tries again.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_table import describe
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Account, AccountEntry
from chatroom.commands.connecting.login import Denied, check_password, know_account
from chatroom.commands.connecting.welcome_burst import welcome
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.commands.presence.away_and_ison import ABSENT, set_away
from chatroom.commands.presence.metadata_push import tell_watchers
from chatroom.commands.reading.replay import replay_direct
from chatroom.commands.rooms.joining import enter, show_channel
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.session import Registration


def advance(context: Context) -> Pending | None:
    """Complete the session's registration if all that it needs is there and holds."""
    session = context.session
    registration = session.registration
    if registration is None or session.closing or registration.cap_open:
        return None
    if not registration.nick or not registration.username:
        return None
    if registration.passwords:
        pending = _use_passwords(context, registration)
        if pending is not None or session.closing:
            return pending
    account = registration.account = _account_now(context, registration.account)
    if account is not None and account.id not in context.world.account_data:
        return with_account_data(context, account, advance)
    if context.world.settings.server.password and not registration.server_password_given:
        _refuse_password(context, "this server has a password, give it with PASS")
    elif _may_be(context, registration.nick, account):
        _complete(context, registration)
    return None


def _account_now(context: Context, account: AccountEntry | None) -> AccountEntry | None:
    """An account as it is now: its role may have changed since the login, and it may be disabled or gone."""
    known = context.world.accounts.find_by_id(account.id) if account is not None else None
    return None if known is None or known.disabled else known


def nick_refusal(context: Context, nick: str, account: AccountEntry | None) -> tuple[numerics.Numeric, str, str] | None:
    """Why a nick cannot be worn by ``account`` (or a guest): the numeric, a FAIL code and the words."""
    world = context.world
    rule = world.bans.find_name(casefold(nick), world.now_ms)
    if rule is not None:
        return numerics.ERR_ERRONEUSNICKNAME, "NICK_BANNED", f"{nick} is {describe(rule)}"
    owner = world.accounts.find(nick)
    if owner is not None and (account is None or account.id != owner.id):
        return numerics.ERR_NICKNAMEINUSE, "NICK_RESERVED", f"{nick} is registered: log in to use it, or take another"
    alike = world.accounts.find_look_alike(nick) if owner is None else None
    if alike is not None and (account is None or account.id != alike.id):
        text = f"{nick} looks like {alike.name}, which is registered: log in to use it, or take another"
        return numerics.ERR_NICKNAMEINUSE, "NICK_LOOKS_ALIKE", text
    wearer = world.find_user(nick)
    if wearer is not None and wearer is not context.session.user:
        return numerics.ERR_NICKNAMEINUSE, "", "Nickname is already in use"
    return None


def _may_be(context: Context, nick: str, account: AccountEntry | None) -> bool:
    """Whether the session may be somebody of that name; refuses it otherwise."""
    world, session = context.world, context.session
    if turn_away_banned(context):
        return False
    for name in (nick,) if account is None else (nick, account.name):
        rule = world.bans.find_name(casefold(name), world.now_ms)
        if rule is not None:
            refuse_banned(context, describe(rule))
            return False
    refusal = nick_refusal(context, nick, account)
    if refusal is not None and not _may_share(context, nick, account):
        numeric, code, text = refusal
        context.reply(numeric, nick, text=text)
        if code:
            world.log_line(f"refused {nick} from {session.address_text}: registered, no password yet")
            context.verb = "NICK"
            context.fail(code, nick, text=text)
        return False
    if world.settings.accounts.require_login and account is None:
        context.verb = "*"
        text = "You must log in to enter this server (SASL, or PASS account:password)"
        context.fail("ACCOUNT_REQUIRED", text=text)
        world.log_line(f"refused {nick} from {session.address_text}: a login is required")
        world.close(session, text)
        return False
    return True


def _may_share(context: Context, nick: str, account: AccountEntry | None) -> bool:
    if not context.world.settings.accounts.share_nick:
        return False
    wearer = context.world.find_user(nick)
    return account is not None and wearer is not None and wearer.account is not None and wearer.account.id == account.id


def refuse_banned(context: Context, why: str) -> None:
    """Turn a banned session away, telling it the reason and until when."""
    world, session = context.world, context.session
    context.reply(numerics.ERR_YOUREBANNEDCREEP, text=f"You are {why}")
    world.log_line(f"refused {session.address_text}: {why}")
    world.close(session, f"You are {why}")


def _use_passwords(context: Context, registration: Registration) -> Pending | None:
    """Look at what PASS gave: the server's password, an account's, or nothing that matters here."""
    server_password = context.world.settings.server.password
    while registration.passwords:
        given = registration.passwords.pop(0)
        if server_password and hmac.compare_digest(given.encode(), server_password.encode()):
            registration.server_password_given = True
            continue
        name, colon, password = given.partition(":")
        if not colon and server_password:
            if registration.passwords:
                continue  # of several, the last one counts
            if not registration.server_password_given:
                _refuse_password(context, "wrong server password")
            return None
        if not colon:
            name, password = registration.nick, given
            if context.world.accounts.find(name) is None:
                return _look_for_account(context, name, password)
        if registration.account is None:
            return check_password(context, name, password, _password_checked)
    return None


def _look_for_account(context: Context, name: str, password: str) -> Pending:
    """See whether a name was registered from the shell a moment ago, before its password is passed over.

    Many clients send a password from habit: where there is no account, there is nothing that it could open.
    """

    def then(context: Context, account: Account | None) -> Pending | None:
        if account is None:
            return advance(context)
        know_account(context.world, account)
        return check_password(context, name, password, _password_checked)

    return Pending("store", lambda stores: stores.accounts.find(name), then)


def _password_checked(context: Context, account: AccountEntry | Denied) -> Pending | None:
    if isinstance(account, Denied):
        _refuse_password(context, account.why)
        return None
    take_account(context, account)
    return advance(context)


def _refuse_password(context: Context, why: str) -> None:
    context.reply(numerics.ERR_PASSWDMISMATCH, text=f"Password incorrect: {why}")
    context.world.log_line(f"refused {context.session.address_text}: {why}")
    context.world.close(context.session, f"Password incorrect: {why}")


def take_account(context: Context, account: AccountEntry) -> None:
    """Note which account a session, not registered yet, has logged in to."""
    registration = context.session.registration
    if registration is None:
        return
    registration.account = account
    nick = registration.nick or "*"
    mask = f"{nick}!{registration.username or '*'}@{context.session.host}"
    context.reply(numerics.RPL_LOGGEDIN, mask, account.name, text=f"You are now logged in as {account.name}")


def _complete(context: Context, registration: Registration) -> None:
    world, session = context.world, context.session
    if session.sasl is not None:
        session.sasl = None
        context.reply(numerics.ERR_SASLABORTED)
    session.registration = None
    world.unregistered -= 1
    account = registration.account
    wearer = world.find_user(registration.nick)
    if wearer is not None:
        _attach(context, wearer, registration.away)
        return
    user = User(registration.nick, registration.username, registration.realname, session.host, session, world.now_ms)
    if account is not None:
        user.account = account
    user.away = registration.away
    if registration.account_data is not None:
        user.account_data = registration.account_data
    world.add_user(user)
    tell_watchers(world, user)
    _welcome(context, user, "joined")
    for name in world.settings.channels.autojoin:
        channel = world.find_channel(name)
        if channel is not None and channel not in user.channels:
            enter(context, channel)
    replay_direct(world, session)


def _attach(context: Context, user: User, away: str | None) -> None:
    """One more device of somebody who is here already: same nick, same channels.

    They are back by it, or away as it says, unless nobody is in front of it either.
    """
    session = context.session
    context.world.outbox.settle(session)  # what was said earlier in this tick is not theirs to read
    session.user = user
    user.sessions.append(session)
    _welcome(context, user, "joined by one more device")
    for channel in user.channels:
        channel.sessions.add(session)
        show_channel(context, channel, joined=True)
    if away != ABSENT and (away is not None or user.away == ABSENT):
        set_away(context, user, away)


def _welcome(context: Context, user: User, what: str) -> None:
    world = context.world
    account = f", account {user.account_name}" if user.account is not None else ""
    world.log_line(f"{what}: {user.nick} from {context.session.address_text}{account}")
    welcome(context)


def start(context: Context) -> None:
    """A connection was accepted: turn it away at once if its address is banned.

    A gateway's own address is judged only if it becomes somebody without having said for whom it connects.
    """
    world, session = context.world, context.session
    world.sessions[session.id] = session
    world.unregistered += 1
    if not world.settings.webirc.trusts(session.version, session.address):
        turn_away_banned(context)


def turn_away_banned(context: Context) -> bool:
    """End the session if its address is banned; whether it is."""
    world, session = context.world, context.session
    rule = world.bans.find_address(session.version, session.address, world.now_ms)
    if rule is not None:
        refuse_banned(context, describe(rule))
    return rule is not None
