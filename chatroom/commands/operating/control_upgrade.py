"""UPGRADE: a new daemon takes the place of this one."""

from __future__ import annotations

from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import HandoverRefused


@command("UPGRADE", when=When.CONTROL)
def upgrade(context: Context, params: list[str]) -> Pending | None:
    """Starts a new daemon, which takes over all connections without TLS. The answer comes in lines of its own."""
    try:
        context.world.runtime.begin_upgrade(context.session)
    except HandoverRefused as error:
        context.fail("NOT_UPGRADED", text=str(error))
    else:
        context.world.log_line(f"{context.actor.name} upgrades the daemon")
    return None
