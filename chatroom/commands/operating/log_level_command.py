"""LOGLEVEL: which log lines of the running daemon are written."""

from __future__ import annotations

from chatroom.chat.log_levels import AREAS, EVERY_AREA
from chatroom.chat.log_line import Level
from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue


@command("LOGLEVEL", "[<area>] [<level>]", when=When.CONTROL)
def loglevel(context: Context, params: list[str]) -> Pending | None:
    """Lists the levels of the log, of all areas or of one, or sets them until a restart."""
    levels = context.world.runtime.log_levels
    area = params[0].lower() if params else EVERY_AREA
    if area not in (EVERY_AREA, *AREAS):
        raise InvalidValue(f"there is no area {area}; the areas are {', '.join(AREAS)}, and {EVERY_AREA}")
    if len(params) > 1:
        try:
            wanted = Level[params[1].upper()]
        except KeyError:
            raise InvalidValue(f"a level is one of {', '.join(one.word for one in Level)}") from None
        _change(context, area, wanted)
    for name, level in levels.list_all().items():
        if area in (EVERY_AREA, name):
            context.note(name, text=level.word)
    return None


def _change(context: Context, area: str, level: Level) -> None:
    world, actor = context.world, context.actor
    world.runtime.log_levels.change(area, level)
    world.log_line(f"{actor.name} set the log level of {area} to {level.word}")
    world.work.write(lambda stores: stores.audit.add(actor, "server.loglevel", area, level.word))
