"""LOCKDOWN: keeping new users out for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.admission.durations import format_duration, parse_duration
from chatroom.chat.admission.lockdown import Lockdown
from chatroom.chat.log_line import LogWarning
from chatroom.chat.operator_mode import tell_operators
from chatroom.chat.stored.records import Role
from chatroom.chat.work_queue import Order
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue, StorageError
from chatroom.irc.times import format_stamp

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

_MEANINGS = {
    Lockdown.OFF: "new users may come in",
    Lockdown.ACCOUNTS_ONLY: "new guests stay out, and no names are registered",
    Lockdown.ON: "all new users stay out, but moderators and admins",
}
_NOT_STORED = (
    "The change of the lockdown acts, but it is NOT STORED, because the database did not take it: after a restart, it "
    "is as it was before. Say it again later to have it stored"
)


@command("LOCKDOWN", "[<state> [<duration>]]", role=Role.MODERATOR, control=True)
def lockdown(context: Context, params: list[str]) -> Pending | None:
    """Keeps new users out until it is turned off or its time is over, or shows whether it does.

    LOCKDOWN accounts-only [<duration, like 1h>]: only users with an account can come in
    LOCKDOWN on [<duration>]: only moderators and admins can come in
    LOCKDOWN off: end it
    """
    world = context.world
    if not params or not params[0]:
        _show(context)
        return None
    try:
        wanted = Lockdown(params[0].lower())
    except ValueError:
        raise InvalidValue("LOCKDOWN takes on, accounts-only or off") from None
    duration_s = parse_duration(params[1]) if len(params) > 1 and params[1] else None
    if wanted is Lockdown.OFF and duration_s is not None:
        raise InvalidValue("LOCKDOWN off takes no duration")
    until_ms = world.wall_ms + duration_s * 1000 if duration_s is not None else None
    is_same = wanted is world.lockdown.at(world.wall_ms) and until_ms == world.lockdown.until_ms
    if is_same and world.lockdown.is_stored:
        _show(context)
        return None
    return _change(context, wanted, until_ms, duration_s)


def explain_lockdown(world: World) -> str:
    """Return the state, what it means and when it ends."""
    state = world.lockdown.at(world.wall_ms)
    text = f"{state.value}: {_MEANINGS[state]}"
    if state is Lockdown.OFF:
        return text
    end = world.lockdown.until_ms
    text += "; until it is turned off" if end is None else f"; until {format_stamp(end / 1000, world.bans.zone)}"
    return f"{text}; set by {world.lockdown.set_by}"


def _show(context: Context) -> None:
    world = context.world
    state = world.lockdown.at(world.wall_ms)
    context.note("LOCKDOWN", state.value, text=f"Lockdown {explain_lockdown(world)}")


def _change(context: Context, wanted: Lockdown, until_ms: int | None, duration_s: int | None) -> Pending:
    world, actor = context.world, context.actor
    # It acts at once, and is stored behind that: what it is for does not wait for a disk.
    world.lockdown.set(wanted, until_ms, actor.name)
    length = f" for {format_duration(duration_s)}" if duration_s is not None else ""
    text = f"{actor.name} set the lockdown to {wanted.value}{length}: {_MEANINGS[wanted]}"
    world.log_line(text)
    tell_operators(world, text, context.session)
    until_at = datetime.fromtimestamp(until_ms / 1000, UTC) if until_ms is not None else None

    def job(stores: Stores) -> str:
        try:
            stores.lockdown.save(wanted.value, until_at, actor)
        except StorageError as error:
            return str(error)  # not raised: the user must read that it acts
        return ""

    def then(context: Context, failure: str) -> None:
        # The store worker keeps the order of changes, so the last one tells.
        context.world.lockdown.is_stored = not failure
        if failure:
            context.world.log_line(f"the lockdown is not stored: {failure}", LogWarning)
            context.warn("NOT_STORED", wanted.value, text=_NOT_STORED)
        _show(context)

    return Pending("store", job, then, order=Order.URGENT)
