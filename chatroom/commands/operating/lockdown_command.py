"""LOCKDOWN: keeping new users out for a while."""

from __future__ import annotations

from chatroom.chat.admission.lockdown import Lockdown
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue

_MEANINGS = {
    Lockdown.OFF: "new users may come in",
    Lockdown.ACCOUNTS_ONLY: "new guests stay out, and no names are registered",
    Lockdown.ON: "all new users stay out, but moderators and admins",
}


@command("LOCKDOWN", "[<state>]", role=Role.MODERATOR, control=True)
def lockdown(context: Context, params: list[str]) -> Pending | None:
    """Keeps new users out until it is turned off or the server restarts, or shows whether it does.

    LOCKDOWN accounts-only: only users with an account can come in
    LOCKDOWN on: only moderators and admins can come in
    LOCKDOWN off: end it
    """
    world = context.world
    if params and params[0]:
        try:
            wanted = Lockdown(params[0].lower())
        except ValueError:
            raise InvalidValue("LOCKDOWN takes on, accounts-only or off") from None
        if wanted is not world.lockdown:
            _change(context, wanted)
    context.note("LOCKDOWN", world.lockdown.value, text=f"Lockdown {world.lockdown.value}: {_MEANINGS[world.lockdown]}")
    return None


def _change(context: Context, wanted: Lockdown) -> None:
    world, actor = context.world, context.actor
    world.lockdown = wanted
    text = f"{actor.name} set the lockdown to {wanted.value}: {_MEANINGS[wanted]}"
    world.log_line(text)
    for user in world.online.operators:
        if user is not context.session.user:
            world.tell_notice(user, text)
    world.work.write(lambda stores: stores.audit.add(actor, "server.lockdown", wanted.value, ""))
