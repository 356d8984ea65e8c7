"""REHASH: the daemon reads its configuration again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.chat.reload import use_settings
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.config import Settings
from chatroom.errors import ConfigError
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.runtime import Runtime


@command("REHASH", role=Role.ADMIN, control=True)
def rehash(context: Context, params: list[str]) -> Pending | None:
    """Reads the configuration again and uses what may change without a restart."""
    runtime = context.world.runtime
    context.reply(numerics.RPL_REHASHING, printable(str(context.world.settings.source or "chatroom.toml")))
    # A job, because it reads a file. It runs in the store worker, so two reloads take effect in order.
    return Pending("store", lambda stores: _read(runtime), _use)


def _read(runtime: Runtime) -> Settings | tuple[str, ...]:
    """Return the settings, or all errors in them. An error that is raised would be answered with its first one."""
    try:
        return runtime.load_settings()
    except ConfigError as error:
        return error.errors


def _use(context: Context, found: Settings | tuple[str, ...]) -> None:
    if isinstance(found, tuple):
        _refuse(context, found)
        return
    done = use_settings(context.world, found)
    context.world.log_line(f"{done} (by {context.actor.name})")
    if context.session.control is not None:
        for code, changes in (("CHANGED", done.applied), ("WAITING", done.waiting)):
            for change in changes:
                # As JSON, which the shell reads. Passwords are masked.
                context.note(code, change.key.path, text=json.dumps([change.before, change.after]))
    context.note("DONE", text=str(done))


def _refuse(context: Context, errors: tuple[str, ...]) -> None:
    first = str(ConfigError(*errors))
    context.world.log_line(f"the configuration stays as it was: {first}", LogWarning)
    if context.session.control is not None:
        # The shell lists all of them. The number tells two errors from one that needs two lines.
        for number, text in enumerate(errors, 1):
            context.warn("INVALID_CONFIG", str(number), text=text)
    context.fail("INVALID_CONFIG", text=first)
