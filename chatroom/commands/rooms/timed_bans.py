"""CBAN: bans of a channel that end by themselves, and the list of its bans with all that is known of them.

It has no specification. A ban is an entry of the list of mode b, so every client shows it, and MODE -b lifts it too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chatroom.chat.admission.durations import format_duration, parse_duration
from chatroom.chat.ban_ends import expect_end
from chatroom.chat.people.channel import Channel
from chatroom.chat.stored.records import ListEntry
from chatroom.commands.channel_rules import acts_by_right, find_visible
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.rooms.channel_modes import discard_entry, has_room, read_mask
from chatroom.commands.rooms.saving_channels import save_and_tell
from chatroom.commands.spam_checks import find_refusal
from chatroom.errors import InvalidValue, NotFound
from chatroom.irc import numerics
from chatroom.irc.limits import KICK_BYTES


@command("CBAN", "<channel> [<mask> [<duration> [<reason>]]]")
def cban(context: Context, params: list[str]) -> Pending | None:
    """Bans a mask from a channel for a time, or lists the bans of the channel:

    CBAN #channel: lists the bans, with their authors, times, ends and reasons
    CBAN #channel <mask> <duration, like 12h> [<reason>]: bans; the server lifts the ban when its time is over
    CBAN -#channel <mask>: lifts a ban
    """
    is_lifted = params[0].startswith("-")
    channel = find_visible(context, params[0].removeprefix("-"))
    if channel is None:
        return None
    if len(params) == 1 and not is_lifted:
        _list(context, channel)
        return None
    if not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
        return None
    if is_lifted:
        if len(params) == 1:
            raise InvalidValue(f"CBAN -{channel.name} needs a mask")
        return _lift(context, channel, params[1])
    if len(params) == 2:
        raise InvalidValue("CBAN needs a duration, like 12h; MODE +b bans without an end")
    return _ban(context, channel, params)


def _ban(context: Context, channel: Channel, params: list[str]) -> Pending | None:
    duration_s = parse_duration(params[2])
    mask = read_mask(context, channel, "b", params[1])
    if mask is None:
        return None
    before = channel.find_entry("b", mask)
    if before is None and not has_room(context, channel, "b"):
        return None
    reason = context.use_reason(params, 3, KICK_BYTES)
    if reason and find_refusal(context, reason):
        reason = ""  # as of a KICK: a channel's operator must be able to act
    # Whole seconds, as the replies to MODE b show them.
    now = datetime.fromtimestamp(context.world.wall_ms // 1000, UTC)
    entry = ListEntry("b", mask, context.user.prefix, now, now + timedelta(seconds=duration_s), reason)
    channel.add_mask(entry)
    expect_end(context.world, entry)
    text = f"{mask} is banned for {format_duration(duration_s)}, until {_moment(entry.until_at)}"
    if before is not None:
        text += f". It was banned {_describe(before)}"
    # For the members nothing changes if the mask was on the list already.
    changes = [f"+b {mask}"] if before is None else []
    detail = f"+b {mask} for {format_duration(duration_s)}: {reason}"
    return _confirm(context, save_and_tell(context, channel, "MODE", changes, "channel.mode", detail), "ADDED", text)


def _lift(context: Context, channel: Channel, given: str) -> Pending | None:
    mask = read_mask(context, channel, "b", given)
    if mask is None:
        return None
    found = discard_entry(channel, "b", mask, given)
    if found is None:
        raise NotFound(f"{printable(mask)} is not banned from {channel.name}; CBAN {channel.name} lists the bans")
    change = f"-b {found.mask}"
    pending = save_and_tell(context, channel, "MODE", [change], "channel.mode", change)
    return _confirm(context, pending, "REMOVED", f"{found.mask} is no longer banned")


def _confirm(context: Context, pending: Pending | None, code: str, text: str) -> Pending | None:
    """Tell the user that it is done, behind the change itself."""
    if pending is None:
        context.note(code, text=text)
        return None
    tell = pending.then

    def then(context: Context, outcome: Any) -> Pending | None:
        again = tell(context, outcome)
        return _confirm(context, again, code, text)

    return pending._replace(then=then)


def _list(context: Context, channel: Channel) -> None:
    entries = channel.entries("b")
    for entry in entries:
        context.note("ENTRY", channel.name, text=f"{entry.mask} is banned {_describe(entry)}")
    context.note("END", channel.name, text=f"{len(entries)} ban{'' if len(entries) == 1 else 's'}")


def _describe(entry: ListEntry) -> str:
    end = "without an end" if entry.until_at is None else f"until {_moment(entry.until_at)}"
    reason = f": {entry.reason}" if entry.reason else ""
    return f"by {entry.set_by} since {_moment(entry.set_at)} {end}{reason}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
