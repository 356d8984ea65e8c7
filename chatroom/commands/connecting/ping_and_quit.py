"""PING, PONG, QUIT and ERROR.

Source: Modern IRC Client Protocol, "Connection Messages".
"""

from __future__ import annotations

from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.messages import may_tell
from chatroom.commands.talking.slow_mode import note_said
from chatroom.irc import numerics
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.limits import LEAVE_BYTES


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
    session = context.session
    reason = context.use_reason(params, 0, LEAVE_BYTES)
    if reason and find_refusal(context, reason):
        reason = ""
    channels = session.user.channels if session.user is not None and reason else ()
    if not all(may_tell(context, channel, reason) for channel in channels):
        reason = ""  # the members of all channels read the same QUIT
    elif session.user is not None:
        for channel in channels:
            note_said(context.world, channel, session, session.user)
    text = f"Quit: {reason}"
    if session.user is not None:
        context.say(f":{session.user.prefix} QUIT :{text}")
        context.world.log_line(f"left: {session.user.nick} ({text})")
    stays = session.user is not None and context.world.stays(session.user)
    context.world.close(session, text, returns=stays)
    return None


@command("ERROR", "[<reason>]", when=When.ANY)
def error(context: Context, params: list[str]) -> Pending | None:
    """Does nothing: only servers send ERROR."""
    return None
