"""REGISTER: an account for everyone, for who has an invite, or for whom a moderator approves.

Source: IRCv3 draft/account-registration.
"""

from __future__ import annotations

from chatroom.chat.people.held_registration import HeldRegistration
from chatroom.chat.stored.records import Actor
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.approving import ask_for_account
from chatroom.commands.connecting.register import create_account, finish_registration, register_name
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending


@command("REGISTER", "<account> <email> <password>", when=When.ANY)
def register(context: Context, params: list[str]) -> Pending | None:
    """Registers your nick as an account, so that no other user can take it:

    REGISTER * * :password
    If the server asks for an invite, send its token next: VERIFY * <token>
    """
    account, email, password = params[:3]
    return register_name(context, account, email, password, _by_policy)


def _by_policy(context: Context, held: HeldRegistration) -> Pending | None:
    """Go on as ``accounts.registration`` says. The name is checked."""
    policy = context.world.settings.accounts.registration
    if policy == "approval":
        return ask_for_account(context, held)
    if policy == "invite":
        context.session.held = held
        text = f"Registering takes an invite: send its token by VERIFY {held.name} <token>"
        context.from_server("REGISTER", "VERIFICATION_REQUIRED", held.name, text)
        return None
    actor = Actor(held.name, context.session.address_text)
    return create_account(context, held.name, held.email, held.password, actor, finish_registration)
