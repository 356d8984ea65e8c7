"""PING, PONG, QUIT and ERROR.

Source: Modern IRC Client Protocol, "Connection Messages".
"""

from __future__ import annotations

from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.irc import numerics


@command("PING", "<token>", when=When.ANY, control=True)
def ping(context: Context, params: list[str]) -> Pending | None:
    """Asks the server for a PONG with the same token."""
    if not params[0]:
        context.reply(numerics.ERR_NOORIGIN)
    else:
        context.say(f":{context.server} PONG {context.server} :{params[0]}")
    return None


@command("PONG", "[<token>]", when=When.ANY, control=True)
def pong(context: Context, params: list[str]) -> Pending | None:
    """Answers a PING of the server."""
    return None  # any line shows that the client is alive: ``chat.liveness``


@command("QUIT", "[<reason>]", when=When.ANY, control=True)
def quit_(context: Context, params: list[str]) -> Pending | None:
    """Ends your connection. Other users read the reason."""
    session = context.session
    text = f"Quit: {params[0] if params else ''}"
    if session.user is not None:
        context.say(f":{session.user.prefix} QUIT :{text}")
        context.world.log_line(f"left: {session.user.nick} ({text})")
    context.world.close(session, text)
    return None


@command("ERROR", "[<reason>]", when=When.ANY)
def error(context: Context, params: list[str]) -> Pending | None:
    """Does nothing: only servers send ERROR."""
    return None
