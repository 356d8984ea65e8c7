"""VERIFY, and registering an account with the token of an invite.

REGISTER says which account, and VERIFY brings the token as the code. In the words of NickServ both are one line. A try
with a wrong token counts as a failed login of the address.

Source: IRCv3 draft/account-registration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.stored.invite_records import Invite, InvitedAccount, NewAccount
from chatroom.chat.stored.records import Actor
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.login import Attempt, end_after_failures
from chatroom.commands.connecting.proven_accounts import Denied
from chatroom.commands.connecting.register import (
    finish_registration,
    get_nick,
    make_new_credentials,
    name_refusal,
    refuse_stranger,
)
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import AlreadyExists, WrongToken
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores


@command("VERIFY", "<account> <code>", when=When.ANY)
def verify(context: Context, params: list[str]) -> Pending | None:
    """Completes a REGISTER that was answered with VERIFICATION_REQUIRED:

    VERIFY <account> <token>: with the token of an invite
    """
    account, token = params[:2]
    if refuse_stranger(context, account):
        return None
    held = context.session.held
    if held is None:
        context.fail("INVALID_CODE", account, text="No registration of yours waits for a code: REGISTER first")
        return None
    if account != "*" and casefold(account) != casefold(held.name):
        context.fail("INVALID_CODE", account, text=f"It is {held.name} that you are registering")
        return None
    return use_invite(context, held, token)


def use_invite(context: Context, held: HeldRegistration, token: str) -> Pending | None:
    """Register an account with the token of an invite. The caller has asked ``refuse_stranger``."""
    name = held.name
    refusal = name_refusal(context, name, get_nick(context))
    if refusal is not None:
        context.fail(refusal[0], name, text=refusal[1])
        return None
    attempt = Attempt(context, "", guessable=False)
    if attempt.refusal is not None:
        context.fail("TEMPORARILY_UNAVAILABLE", name, text=attempt.refusal.sentence)
        return None

    def check(stores: Stores) -> Invite | str:
        try:
            return stores.invites.check(token)
        except WrongToken as error:
            return str(error)  # as a text, because ``resume`` would answer an error itself

    def checked(context: Context, invite: Invite | str) -> Pending | None:
        if isinstance(invite, str):
            _refuse(context, attempt, held, invite)
            return None
        attempt.forgive(context.world)
        if held.request_id:
            # Its password was hashed when it was asked for.
            return Pending(
                "store",
                lambda stores: stores.requests.get_account(held.request_id),
                lambda context, new: _register(context, attempt, held, token, new),
                reads=True,
            )
        return make_new_credentials(
            context,
            name,
            held.password,
            lambda context, made: _register(context, attempt, held, token, NewAccount(name, made, held.email)),
        )

    return Pending("store", check, checked, attempt.delay_ms, reads=True)


def _register(context: Context, attempt: Attempt, held: HeldRegistration, token: str, new: NewAccount) -> Pending:
    actor = Actor(held.name, context.session.address_text)

    def job(stores: Stores) -> InvitedAccount | str | None:
        # Another session may have used the invite, or registered the name, since it was looked at.
        other = stores.requests.find(held.name)
        if other is not None and other.id != held.request_id:
            return None
        try:
            return stores.invites.register(token, new, actor)
        except WrongToken as error:
            return str(error)
        except AlreadyExists:
            return None

    def take_in(context: Context, made: InvitedAccount | str | None) -> Pending | None:
        if isinstance(made, str):
            _refuse(context, attempt, held, made)
            return None
        if made is None:
            context.fail("ACCOUNT_EXISTS", held.name, text=f"{held.name} is already registered")
            return None
        entry = made.account.entry
        context.world.accounts.put(entry)
        return finish_registration(context, entry, made.invite)

    return Pending("store", job, take_in)


def _refuse(context: Context, attempt: Attempt, held: HeldRegistration, why: str) -> None:
    outcome = attempt.judge(context, None, why)
    assert isinstance(outcome, Denied)  # no account has the id 0
    context.fail("INVALID_CODE", held.name, text=outcome.why)
    end_after_failures(context)
