"""WALLOPS: a message of the operators to every user that asked for such messages.

Source: Modern IRC Client Protocol, "WALLOPS message".
"""

from __future__ import annotations

from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.packing import split_text


@command("WALLOPS", "<text>", role=Role.MODERATOR)
def wallops(context: Context, params: list[str]) -> Pending | None:
    """Sends a message to every user with user mode +w."""
    if not params[0]:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "WALLOPS")
        return None
    world, head = context.world, "WALLOPS :"
    for piece in split_text(params[0], LINE_BYTES - len(f":{context.source} {head}".encode())):
        event = world.outbox.event(context.source, head + piece, context.user)
        for user in world.users.values():
            if user.wallops:
                world.tell_user(user, event, skip=context.session)
        # The operator's own session comes last, by ``say``, which answers a label.
        if context.user.wallops:
            context.say(event)
    return None
