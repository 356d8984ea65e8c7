"""Requests for accounts: REGISTER where a moderator approves each, and REQUEST, by which moderators decide.

``chatroomctl user approve`` and ``reject`` send REQUEST over the control socket if a daemon runs, because the daemon
tells the applicant. The session that has asked is logged in when its request is approved: it has chosen the password.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from chatroom.chat.enforcement import free_nick
from chatroom.chat.log_line import LogWarning
from chatroom.chat.operator_mode import tell_operators
from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.stored.invite_records import NewAccount
from chatroom.chat.stored.records import Account, AccountEntry, Actor, Credential, Role
from chatroom.chat.stored.request_records import Request
from chatroom.commands.command_table import command
from chatroom.commands.connecting.login import log_in, may_log_in
from chatroom.commands.connecting.proven_accounts import Denied, admitted
from chatroom.commands.connecting.register import hand_over, make_new_credentials
from chatroom.commands.connecting.registration import take_account
from chatroom.commands.context import NICKSERV, Context
from chatroom.commands.pending import Pending
from chatroom.errors import AlreadyExists, ChatroomError, InvalidValue, TooMany
from chatroom.irc.limits import BAN_REASON_BYTES

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

MOST_LISTED = 100
"""How many requests one answer lists."""


def ask_for_account(context: Context, held: HeldRegistration) -> Pending | None:
    """Keep what REGISTER has said as a request, and tell the moderators who are present."""
    origin = context.session.address_text

    def store(context: Context, credentials: list[Credential]) -> Pending:
        new = NewAccount(held.name, credentials, held.email)

        def job(stores: Stores) -> Request | str:
            try:
                return stores.requests.add(new, origin)
            except (AlreadyExists, TooMany) as error:
                return str(error)

        return Pending("store", job, asked)

    def asked(context: Context, request: Request | str) -> None:
        if isinstance(request, str):
            context.fail("ACCOUNT_EXISTS", held.name, text=request[:1].upper() + request[1:])
            return
        # Its password is in the database now, as a hash.
        context.session.held = replace(held, password="", request_id=request.id)
        context.world.log_line(f"{request.name} asks for an account, from {origin}")
        wish = f"{request.name} wants to register, from {origin}: REQUEST APPROVE {request.name}, or REJECT"
        tell_operators(context.world, wish)
        text = f"A moderator decides if you may register {request.name}: stay here, or come back and log in later"
        if context.verb == NICKSERV:
            context.notice(text)
            return
        text += f". With an invite: VERIFY {request.name} <token>"
        context.from_server("REGISTER", "VERIFICATION_REQUIRED", request.name, text)

    return make_new_credentials(context, held.name, held.password, store)


@command("REQUEST", "<subcommand> [<name> [<reason>]]", role=Role.MODERATOR, control=True)
def request_(context: Context, params: list[str]) -> Pending | None:
    """Lists the requests for accounts, and decides them:

    REQUEST LIST
    REQUEST APPROVE <name>: makes the account
    REQUEST REJECT <name> [<reason>]
    """
    subcommand = params[0].upper()
    if subcommand == "LIST":
        return _list()
    if subcommand not in ("APPROVE", "REJECT"):
        raise InvalidValue(f"there is no subcommand REQUEST {params[0][:20]}; use LIST, APPROVE or REJECT")
    if len(params) < 2 or not params[1]:
        raise InvalidValue(f"REQUEST {subcommand} needs a name, which REQUEST LIST shows")
    if subcommand == "APPROVE":
        return _approve(context, params[1])
    reason = context.cut(" ".join(params[2:]), BAN_REASON_BYTES)
    return _reject(context, params[1], reason)


def _list() -> Pending:
    def show(context: Context, requests: list[Request]) -> None:
        for one in requests[:MOST_LISTED]:
            email = f", {one.email}" if one.email is not None else ""
            text = f"{one.name}, from {one.origin}{email}, at {one.created_at:%Y-%m-%d %H:%M} UTC"
            context.note("ENTRY", one.name, text=text)
        rest = f"; chatroomctl user pending shows all {len(requests)}" if len(requests) > MOST_LISTED else ""
        count = min(len(requests), MOST_LISTED)
        context.note("END", "*", text=f"{count} request{'' if count == 1 else 's'}{rest}")

    return Pending("store", lambda stores: stores.requests.list_all(), show, reads=True)


def _approve(context: Context, name: str) -> Pending:
    actor = context.actor

    def then(context: Context, approved: tuple[Request, Account]) -> None:
        world, (request, account) = context.world, approved
        world.accounts.put(account.entry)
        world.log_line(f"{account.name} may register, by {actor.name}")
        for session in _applicants(world, request.id):
            _admit(Context(world, session, "REGISTER", is_asked=False), account.entry)
        world.note_decision(request.id, account.entry, "")
        # A guest may have the nick meanwhile, or the applicant may have logged in elsewhere.
        free_nick(world, account.entry)
        context.note("DONE", text=f"Registered {account.name}, as was asked for from {request.origin}")

    return Pending("store", lambda stores: stores.requests.approve(name, actor), then)


def end_old_requests(world: World, before: datetime, days: int) -> None:
    """End the requests that were made before then: in ``days`` no moderator has decided them."""
    by = Actor(world.settings.server.name, "server")
    reason = f"nobody decided in {days} days"

    def then(outcome: object) -> None:
        if isinstance(outcome, ChatroomError):
            world.log_line(f"requests for accounts could not be ended: {outcome}", LogWarning)
            return
        for request in cast(list[Request], outcome):
            _turn_down(world, request, by, reason)

    world.work.write(lambda stores: stores.requests.end_older(before, by, reason), then, alone=True)


def _reject(context: Context, name: str, reason: str) -> Pending:
    actor = context.actor

    def then(context: Context, request: Request) -> None:
        _turn_down(context.world, request, actor, reason)
        context.note("DONE", text=f"Rejected the request for {request.name}")

    return Pending("store", lambda stores: stores.requests.reject(name, actor, reason), then)


def _turn_down(world: World, request: Request, by: Actor, reason: str) -> None:
    """Tell the log and the applicant of a request that was deleted."""
    why = f": {reason}" if reason else ""
    world.log_line(f"{request.name} may not register, by {by.name}{why}")
    text = f"You may not register {request.name}{why}"
    for session in _applicants(world, request.id):
        _reject_session(world, session, text)
    world.note_decision(request.id, None, text)


def answer_unregistered(world: World, request_id: int, account: AccountEntry | None, text: str) -> None:
    """Tell the session that has asked for an account, if it is not registered, what another node has decided.

    ``account`` was made, or ``text`` says why not. Outside a turn: the session is this node's own affair.
    """
    for session in _applicants(world, request_id):
        if session.registration is None:
            continue  # the other node has told it, as it tells users
        if account is None:
            _reject_session(world, session, text)
        else:
            _admit(Context(world, session, "REGISTER", is_asked=False), account)


def _applicants(world: World, request_id: int) -> list[Session]:
    """The session that has asked, if it is still there. The id tells it from others who ask for the name later."""
    return [one for one in world.sessions.values() if one.held is not None and one.held.request_id == request_id]


def _reject_session(world: World, session: Session, text: str) -> None:
    session.held = None
    Context(world, session, "REGISTER", is_asked=False).notice(text)


def _admit(context: Context, account: AccountEntry) -> None:
    """Log the session in to the account that it has asked for, unless it has another one by now."""
    session = context.session
    user, session.held = session.user, None
    known = admitted(context.world, account)
    if isinstance(known, Denied):
        # The name was banned since, and its user has another nick, which the ban is not for.
        context.notice(f"{account.name} is registered, but you are not logged in: {known.why}")
    elif user is None:
        if session.registration is not None and session.registration.account is None:
            context.notice(f"You may register: {account.name} is registered and you are logged in")
            take_account(context, account)
    elif user.account is None and may_log_in(user, None):
        hand_over(context, user, account.id)
        context.notice(f"You may register: {account.name} is registered and you are logged in")
        log_in(context, user, account)
