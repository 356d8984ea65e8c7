"""NICKSERV: the service for accounts that many clients and people know, as a verb and as a nick to write to.

Its commands call the same functions as REGISTER, AUTHENTICATE and the rest. A message to the nick comes here from
``chatroom.commands.talking.messages``, cut into words, so only the verb takes a password with spaces. No command is
stored, logged or shown to another session, because it may hold a password.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.account_notices import always_on_text, tell_account
from chatroom.chat.admission.reserved_names import find_reserved, refusal_text
from chatroom.chat.admission.tokens import split_token
from chatroom.chat.enforcement import apply_account, free_nick
from chatroom.chat.stored.records import Account, AccountEntry, Actor, Credential, Role
from chatroom.commands.command_table import command
from chatroom.commands.connecting.cert import add_certificate, list_certificates, remove_certificate
from chatroom.commands.connecting.login import check_password, log_in_present
from chatroom.commands.connecting.proven_accounts import Denied
from chatroom.commands.connecting.register import (
    create_account,
    is_address,
    make_new_credentials,
    register_name,
)
from chatroom.commands.connecting.register_command import register
from chatroom.commands.connecting.reset_password import reset_password
from chatroom.commands.connecting.verify import use_invite
from chatroom.commands.context import NICKSERV, Context, printable
from chatroom.commands.pending import Pending
from chatroom.errors import NotPermitted
from chatroom.irc.names import is_nick

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores


@command(NICKSERV, "[<command>]")
def nickserv(context: Context, params: list[str]) -> Pending | None:
    """Registers names and logs in, in the words of other networks. PRIVMSG NickServ does the same.

    NICKSERV HELP: lists the commands
    NICKSERV REGISTER <password> [<email>]
    NICKSERV IDENTIFY [<account>] :<password with spaces>
    """
    context.verb = NICKSERV
    # Some clients send all of it as one parameter.
    words = params[0].split() if len(params) == 1 else params
    found = _find(words)
    if not words:
        _help(context, [])
    elif found is None:
        # Not repeated: it may be a password.
        context.notice("There is no such command: /msg NickServ HELP lists them")
    else:
        name, known = found
        params = words[len(name.split()) :]
        if known.role is not None and context.role < known.role:
            context.notice(f"{name} is for {known.role.word}s")
        elif not known.least <= len(params) <= known.most:
            context.notice(f"The form is: {name} {known.params}")
            if len(params) > known.most and known.takes_password:
                context.notice(f"A password with spaces stands behind a colon: /quote NICKSERV {name} :open sesame")
        else:
            return known.handler(context, params)
    return None


@command("NS", "[<command>]")
def ns(context: Context, params: list[str]) -> Pending | None:
    """Does the same as NICKSERV."""
    return nickserv(context, params)


def _find(words: list[str]) -> tuple[str, _Subcommand] | None:
    for count in (2, 1):
        name = " ".join(words[:count]).upper()
        if name in _SUBCOMMANDS:
            return name, _SUBCOMMANDS[name]
    return None


def _register(context: Context, params: list[str]) -> Pending | None:
    takes_invite = context.world.settings.accounts.registration == "invite"
    tokens = [word for word in params[1:] if "@" not in word and (takes_invite or split_token(word)[0])]
    emails = [word for word in params[1:] if word not in tokens]
    if len(emails) > 1 or len(tokens) > 1:
        context.notice("The form is: REGISTER <password> [<email>] [<token>]")
        return None
    email = emails[0] if emails else "*"
    if tokens:
        return register_name(context, "*", email, params[0], lambda context, held: use_invite(context, held, tokens[0]))
    if takes_invite:
        context.notice("Registering takes an invite. The form is: REGISTER <password> [<email>] <token>")
        return None
    return register(context, ["*", email, params[0]])


# -- logging in ----------------------------------------------------------------------------------


def _identify(context: Context, params: list[str]) -> Pending | None:
    name = params[0] if len(params) > 1 else context.user.nick
    return check_password(context, name, params[-1], _identified)


def _identified(context: Context, account: AccountEntry | Denied) -> Pending | None:
    if isinstance(account, Denied):
        _refuse(context, account)
        return None
    text = f"You are now logged in as {account.name}"
    return log_in_present(context, account, _refuse, _refuse_another, lambda context: context.notice(text))


def _refuse(context: Context, denied: Denied) -> None:
    context.notice(denied.sentence)


def _refuse_another(context: Context) -> None:
    context.notice("Disconnect your other devices first: they would be logged in without the password")


# -- what is known of an account -----------------------------------------------------------------


def _info(context: Context, params: list[str]) -> Pending | None:
    user = context.user
    name = params[0] if params else user.account_name or user.nick

    def job(stores: Stores) -> tuple[Account | None, str | None]:
        account = stores.accounts.find(name)
        return account, stores.accounts.find_email(account.id) if account is not None else None

    def show(context: Context, found: tuple[Account | None, str | None]) -> None:
        account, email = found
        user = context.session.user
        if account is None or user is None:
            context.notice(f"{printable(name)} is not registered")
            return
        context.notice(f"{account.name} is registered, as {account.role.with_article}")
        context.notice(f"Registered at: {account.created_at:%Y-%m-%d %H:%M:%S} UTC")
        if context.role >= Role.MODERATOR or (user.account is not None and user.account.id == account.id):
            last = account.last_login_at
            context.notice(f"Last login at: {f'{last:%Y-%m-%d %H:%M:%S} UTC' if last is not None else 'never'}")
            context.notice(f"Mail address: {email or 'none'}")
            context.notice(f"Always on: {'yes' if account.always_on else 'no'}")
            if account.disabled:
                context.notice("The account is disabled")

    return Pending("store", job, show, reads=True)


# -- changing an account -------------------------------------------------------------------------


def _set_password(context: Context, params: list[str]) -> Pending | None:
    account = context.user.account
    if account is None:
        context.notice("You are not logged in: IDENTIFY first")
        return None

    def store(context: Context, credentials: list[Credential]) -> Pending | None:
        # Looked at again: the session may have ended, or been logged out, while the password was hashed.
        user = context.session.user
        if user is None or user.account is None or user.account.id != account.id:
            context.notice("You are no longer logged in")
            return None
        actor = Actor(account.name, context.session.address_text)

        def job(stores: Stores) -> tuple[int, AccountEntry | None] | str:
            # The shell, or a token, may have replaced the password, and the world not know it yet: who has only the one
            # before must not take the account back.
            try:
                stores.accounts.set_credentials(account.id, credentials, actor, known_changes=account.password_changes)
            except NotPermitted as error:
                return str(error).capitalize()
            return stores.client_certificates.count(account.id), stores.accounts.find_entry(account.id)

        return Pending("store", job, done)

    def done(context: Context, stored: tuple[int, AccountEntry | None] | str) -> None:
        if isinstance(stored, str):
            context.notice(stored)
            return
        certificates, entry = stored
        context.world.log_line(f"{account.name} changed the password from {context.session.address_text}")
        context.notice("Your password is changed")
        if len(context.user.sessions if context.session.user is not None else ()) > 1:
            context.notice("Your other connections are closed")
        apply_account(context.world, account.id, entry, spared=context.session)
        if certificates:
            # A thief of the old password may have added one.
            context.notice(f"Certificates that log in to your account without it: {certificates} (CERT LIST)")

    return make_new_credentials(context, account.name, params[0], store, account.role)


def _set_always_on(context: Context, params: list[str]) -> Pending | None:
    account, word = context.user.account, params[0].lower()
    if account is None:
        context.notice("You are not logged in: IDENTIFY first")
        return None
    if word not in _SWITCH:
        context.notice("The form is: SET ALWAYS-ON on, or off")
        return None
    most = context.world.settings.accounts.always_on_max
    actor = Actor(account.name, context.session.address_text)

    def done(context: Context, changed: Account) -> None:
        apply_account(context.world, changed.id, changed.entry)
        text = always_on_text(changed.always_on)
        context.notice(text)
        tell_account(context.world, changed.id, f"{text}: another device of yours has set it so", context.session)

    on = _SWITCH[word]
    return Pending("store", lambda stores: stores.accounts.set_always_on(account.id, on, most, actor), done)


def _saregister(context: Context, params: list[str]) -> Pending | None:
    world, name, email = context.world, params[0], params[2] if len(params) > 2 else None
    reserved = world.settings.accounts.reserved_names
    if not is_nick(name):
        context.notice(f"{printable(name)} cannot be the name of an account")
    elif world.accounts.find(name) is not None:
        context.notice(f"{name} is already registered")
    elif find_reserved(reserved, name) is not None:
        context.notice(refusal_text(reserved, name))
    elif email is not None and not is_address(email):
        context.notice("This is not a mail address")
    else:
        return create_account(context, name, email, params[1], context.actor, _saregistered)
    return None


def _saregistered(context: Context, entry: AccountEntry) -> None:
    context.world.log_line(f"registered {entry.name} by {context.actor.name}")
    context.notice(f"{entry.name} is registered")
    free_nick(context.world, entry)


# -- help ----------------------------------------------------------------------------------------


def _help(context: Context, params: list[str]) -> None:
    name = " ".join(params).upper()
    asked = {each: known for each, known in _SUBCOMMANDS.items() if f"{each} ".startswith(f"{name} ")}
    shown = asked or _SUBCOMMANDS
    for each, known in shown.items():
        if known.role is None or context.role >= known.role:
            context.notice(f"{f'{each} {known.params}'.rstrip()}: {known.summary}")
    if shown is _SUBCOMMANDS:
        context.notice("Say each with /msg NickServ, or with /quote NICKSERV")


_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


class _Subcommand(NamedTuple):
    """A command of the service. Its name is one word or two."""

    handler: Callable[[Context, list[str]], Pending | None]
    params: str
    least: int
    """The smallest number of parameters."""
    most: int
    summary: str
    takes_password: bool = False
    role: Role | None = None
    """The lowest role that may use it; None if every user may."""


_FINGERPRINT_WORDS = 32
"""A fingerprint may be written as pairs of digits with spaces between them."""

_SUBCOMMANDS = {
    "REGISTER": _Subcommand(_register, "<password> [<email>] [<token>]", 1, 3, "registers your nick", True),
    "IDENTIFY": _Subcommand(_identify, "[<account>] <password>", 1, 2, "logs you in", True),
    "RESETPASS": _Subcommand(
        reset_password, "<account> <token> <new password>", 3, 3, "sets a new password with an admin's token", True
    ),
    "INFO": _Subcommand(_info, "[<account>]", 0, 1, "shows what is known of an account"),
    "SET PASSWORD": _Subcommand(_set_password, "<new password>", 1, 1, "changes your password", True),
    "SET ALWAYS-ON": _Subcommand(
        _set_always_on, "<on or off>", 1, 1, "keeps you in your channels while no device of yours is connected"
    ),
    "CERT ADD": _Subcommand(
        add_certificate, "[<fingerprint>]", 0, _FINGERPRINT_WORDS, "has a certificate log you in (your connection's)"
    ),
    "CERT DEL": _Subcommand(remove_certificate, "<fingerprint>", 1, _FINGERPRINT_WORDS, "removes a certificate"),
    "CERT LIST": _Subcommand(list_certificates, "", 0, 0, "lists your certificates"),
    "SAREGISTER": _Subcommand(
        _saregister, "<name> <password> [<email>]", 2, 3, "registers a name for another user", True, Role.ADMIN
    ),
    "HELP": _Subcommand(_help, "[<command>]", 0, 2, "lists the commands, or explains one"),
}
