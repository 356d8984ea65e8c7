"""RESETPASS: a new password for an account, with the one-time token that an admin has made (``user reset-token``).

It works before the connection is complete: who has forgotten the password cannot come in where all must log in. A try
with a wrong token counts as a failed login of the address, and not of the account, whose owner must not be slowed down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.enforcement import apply_account
from chatroom.chat.stored.records import Account, Actor, Credential
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.login import Attempt, end_after_failures
from chatroom.commands.connecting.proven_accounts import Denied, admitted, know_account
from chatroom.commands.connecting.register import make_new_credentials
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import WrongToken

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores


@command("RESETPASS", "<account> <token> <new password>", when=When.ANY)
def reset_password(context: Context, params: list[str]) -> Pending | None:
    """Gives an account a new password, with a token that an admin has made for it."""
    name, token, password = params[:3]
    attempt = Attempt(context, name, guessable=False)
    if attempt.refusal is not None:
        context.fail("TEMPORARILY_UNAVAILABLE", name, text=attempt.refusal.sentence)
        return None

    def check(stores: Stores) -> Account | str:
        try:
            return stores.reset_tokens.check(name, token)
        except WrongToken as error:
            return str(error)  # as a text, because ``resume`` would answer an error itself

    def checked(context: Context, account: Account | str) -> Pending | None:
        if isinstance(account, str):
            _refuse(context, attempt, account)
            return None
        attempt.forgive(context.world)
        know_account(context.world, account)
        known = admitted(context.world, account.entry)
        if isinstance(known, Denied):
            context.fail("DISALLOWED", account.name, text=known.sentence)
            return None
        return make_new_credentials(
            context, account.name, password, lambda context, made: _store(context, attempt, token, made), known.role
        )

    return Pending("store", check, checked, attempt.delay_ms, reads=True)


def _store(context: Context, attempt: Attempt, token: str, credentials: list[Credential]) -> Pending:
    actor = Actor(attempt.name, context.session.address_text)

    def job(stores: Stores) -> tuple[Account, int] | str:
        try:
            account = stores.reset_tokens.use(attempt.name, token, credentials, actor)
        except WrongToken as error:  # used by another session meanwhile
            return str(error)
        return account, stores.client_certificates.count(account.id)

    def done(context: Context, stored: tuple[Account, int] | str) -> None:
        if isinstance(stored, str):
            _refuse(context, attempt, stored)
            return
        account, certificates = stored
        context.world.log_line(f"{account.name} got a new password by a token, from {context.session.address_text}")
        text = f"The password of {account.name} is changed: log in with the new one"
        if certificates:
            # Who has lost the password may have lost more.
            text += f". Certificates that log in without it: {certificates} (CERT LIST)"
        context.note("CHANGED", account.name, text=text)
        apply_account(context.world, account.id, account.entry, spared=context.session)

    return Pending("store", job, done)


def _refuse(context: Context, attempt: Attempt, why: str) -> None:
    outcome = attempt.judge(context, None, why)
    assert isinstance(outcome, Denied)  # nothing was proved
    context.fail("INVALID_CODE", attempt.name, text=outcome.why)
    end_after_failures(context)
