"""PING, PONG, QUIT and ERROR.

Source: Modern IRC Client Protocol, "Connection Messages".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.messages import may_tell
from chatroom.commands.talking.slow_mode import note_said
from chatroom.irc import numerics
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.limits import LEAVE_BYTES

if TYPE_CHECKING:
    from chatroom.chat.people.user import User


@command("PING", "<token>", when=When.ANY, control=True)
def ping(context: Context, params: list[str]) -> Pending | None:
    """Asks the server for a PONG with the same token."""
    answer = f":{context.server} PONG {context.server} :{params[0]}"
    if not params[0]:
        context.reply(numerics.ERR_NOORIGIN)
    elif len(answer.encode()) > LINE_BYTES:  # the client would not know the token again if it were cut
        context.reply(numerics.ERR_INPUTTOOLONG)
    else:
        context.say(answer)
    return None


@command("PONG", "[<token>]", when=When.ANY, control=True)
def pong(context: Context, params: list[str]) -> Pending | None:
    """Answers a PING of the server."""
    return None  # any line shows that the client is alive: ``chat.liveness``


@command("QUIT", "[<reason>]", when=When.ANY, control=True)
def quit_(context: Context, params: list[str]) -> Pending | None:
    """Ends your connection. Other users read the reason."""
    world, session, user = context.world, context.session, context.session.user
    reason = context.cut(params[0], LEAVE_BYTES) if params else ""
    if user is None:
        world.close(session, f"Quit: {reason}", returns=False)
        return None
    if reason and not _may_say(context, user, reason):
        reason = ""
    text = f"Quit: {reason}"
    context.say(f":{user.prefix} QUIT :{text}")
    world.log_line(f"left: {user.nick} ({text})", at=(__name__, "left"))
    world.close(session, text, returns=user.account is not None and world.stays(user))
    return None


def _may_say(context: Context, user: User, reason: str) -> bool:
    """True if all who read the QUIT may read the reason: the members of all channels read the same one."""
    if context.world.spam.is_on and find_refusal(context, reason):
        return False
    # Most channels let each member speak as it likes.
    strict = [channel for channel in user.channels if channel.restrains_members]
    for channel in strict:
        if not may_tell(context, channel, reason):
            return False
    for channel in strict:
        note_said(context.world, channel, context.session, user)
    return True


@command("ERROR", "[<reason>]", when=When.ANY)
def error(context: Context, params: list[str]) -> Pending | None:
    """Does nothing: only servers send ERROR."""
    return None
