"""Proving who one is: SASL, OPER, and registering a name.

Source: IRCv3 SASL 3.2 (PLAIN), draft/account-registration; Modern IRC Client Protocol, "OPER message".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat import passwords
from chatroom.chat.enforcement import free_nick
from chatroom.chat.records import Account, AccountEntry, Actor, Credential, Role
from chatroom.commands.context import Context
from chatroom.commands.login import check_password, log_in
from chatroom.commands.pending import Pending
from chatroom.commands.registration import advance, take_account
from chatroom.commands.table import When, command
from chatroom.errors import AlreadyExists, InvalidValue
from chatroom.irc import caps, numerics
from chatroom.irc.names import casefold
from chatroom.irc.sasl import ResponseBuffer, SaslFault, parse_plain

if TYPE_CHECKING:
    from chatroom.chat.stores import Stores

_FAILED = "SASL authentication failed"


@command("AUTHENTICATE", "<data>", when=When.ANY)
def authenticate(context: Context, params: list[str]) -> Pending | None:
    """Logs in by SASL; the mechanism is PLAIN."""
    session, data = context.session, params[0]
    if not session.caps & caps.SASL:
        context.reply(numerics.ERR_SASLFAIL, text=f"{_FAILED}: negotiate the sasl capability first")
    elif session.sasl is None:
        if data.upper() == "PLAIN":
            session.sasl = ResponseBuffer()
            context.say("AUTHENTICATE +")
        elif data == "*":
            context.reply(numerics.ERR_SASLABORTED)
        else:
            context.reply(numerics.RPL_SASLMECHS, "PLAIN")
            context.reply(numerics.ERR_SASLFAIL, text=f"{_FAILED}: unknown mechanism")
    else:
        return _continue(context, session.sasl, data)
    return None


def _continue(context: Context, buffer: ResponseBuffer, data: str) -> Pending | None:
    response = buffer.feed(data)
    if response is None:
        return None
    context.session.sasl = None
    if response is SaslFault.ABORTED:
        context.reply(numerics.ERR_SASLABORTED)
    elif response is SaslFault.TOO_LONG:
        context.reply(numerics.ERR_SASLTOOLONG)
    elif isinstance(response, SaslFault):
        _failed(context, "that was not base64")
    else:
        login = parse_plain(response)
        if login is None:
            _failed(context, "that was no PLAIN response")
        elif login.authzid and casefold(login.authzid) != casefold(login.authcid):
            _failed(context, "you may only act as yourself")
        else:
            return check_password(context, login.authcid, login.password, _checked)
    return None


def _checked(context: Context, account: AccountEntry | None, why: str) -> Pending | None:
    if account is None:
        _failed(context, why)
        return None
    session = context.session
    if session.user is not None:
        log_in(context, session.user, account)
        context.reply(numerics.RPL_SASLSUCCESS)
        return None
    take_account(context, account)
    context.reply(numerics.RPL_SASLSUCCESS)
    return advance(context)


def _failed(context: Context, why: str) -> None:
    session = context.session
    context.reply(numerics.ERR_SASLFAIL, text=f"{_FAILED}: {why}")
    session.login_tries += 1
    limits = context.world.settings.limits
    if limits.enabled and session.login_tries >= limits.login_tries and session.user is None:
        context.world.note(f"refused {session.address_text}: {session.login_tries} failed logins")
        context.world.close(session, "Too many failed logins")


@command("OPER", "<account> <password>")
def oper(context: Context, params: list[str]) -> Pending | None:
    """Logs in to the account of an admin or a moderator."""
    return check_password(context, params[0], params[1], _oper_checked)


def _oper_checked(context: Context, account: AccountEntry | None, why: str) -> Pending | None:
    if account is None:
        context.reply(numerics.ERR_PASSWDMISMATCH, text=f"Password incorrect: {why}")
        return None
    if account.role < Role.MODERATOR:
        context.reply(
            numerics.ERR_NOOPERHOST, text=f"{account.name} is the account of neither an admin nor a moderator"
        )
        return None
    user = context.session.user
    if user is not None:
        log_in(context, user, account)
        context.reply(numerics.RPL_YOUREOPER)
    return None


@command("REGISTER", "<account> <email> <password>", when=When.ANY)
def register(context: Context, params: list[str]) -> Pending | None:
    """Registers your nick, so that nobody else can use it: REGISTER * * :password"""
    account, password = params[0], params[2]
    user = context.session.user
    settings = context.world.settings.accounts
    if user is None:
        context.fail("COMPLETE_CONNECTION_REQUIRED", account, text="Connect under the name first, then register it")
        return None
    name = user.nick if account == "*" else account
    if not settings.registration:
        context.fail("DISALLOWED", name, text="Names are not registered from the chat here; ask an admin")
    elif user.account is not None:
        context.fail("ALREADY_AUTHENTICATED", name, text=f"You are logged in as {user.account.name} already")
    elif casefold(name) != user.folded:
        context.fail("ACCOUNT_NAME_MUST_BE_NICK", name, text="You can register only the nick you wear")
    elif context.world.accounts.find(name) is not None:
        context.fail("ACCOUNT_EXISTS", name, text=f"{name} is registered already")
    elif len(password) < settings.password_min_length:
        text = f"A password has at least {settings.password_min_length} characters"
        context.fail("WEAK_PASSWORD", name, text=text)
    else:
        return _hash_and_create(context, user.nick, password)
    return None


def _hash_and_create(context: Context, name: str, password: str) -> Pending:
    world = context.world
    cost = world.settings.accounts.bcrypt_cost
    key = (f"register {context.session.address_text}",)
    delay_ms = world.throttle.delay_ms(key, world.now_ms) if world.settings.limits.enabled else 0
    actor = Actor(name, context.session.address_text)

    def hash_it(stores: Stores) -> Credential | str:
        try:
            return passwords.hash_password(password, cost)
        except InvalidValue as error:
            return str(error)  # as a text: an error for an outcome would be a refusal with another code

    def create(context: Context, credential: Credential | str) -> Pending | None:
        if isinstance(credential, str):
            context.fail("UNACCEPTABLE_PASSWORD", name, text=credential)
            return None

        def job(stores: Stores) -> Account | None:
            try:
                return stores.accounts.create(name, Role.USER, [credential], actor)
            except AlreadyExists:
                return None

        return Pending("store", job, lambda context, account: _registered(context, name, account))

    context.world.throttle.failed(key, world.now_ms)
    return Pending("password", hash_it, create, delay_ms)


def _registered(context: Context, name: str, account: Account | None) -> None:
    world = context.world
    if account is None:
        context.fail("ACCOUNT_EXISTS", name, text=f"{name} is registered already")
        return
    entry = AccountEntry(account.id, account.name, account.role, account.disabled)
    world.accounts.put(entry)
    world.note(f"registered {name} from {context.session.address_text}")
    context.from_server("REGISTER", "SUCCESS", name, f"{name} is registered and you are logged in")
    user = context.session.user
    if user is not None:
        log_in(context, user, entry)
    free_nick(world, entry)  # who registered it may have left meanwhile, and another guest have taken it
