"""The end of channel bans that were set for a time (CBAN): the server lifts them, by the wall clock.

The hub calls ``lift_ended_bans`` when a tick begins, before any line is judged by a ban. An I/O thread ticks at least
once a second. What ended while the daemon did not run is lifted in the first tick.

The wall clock may be wrong. So a lifted ban is kept aside, in the database too, and the server sets it again if the
clock turns out to be earlier than its end: when it is set back, or at the next start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.stored.entries import Kind
from chatroom.chat.stored.records import Actor, ListEntry
from chatroom.chat.unstored_channels import save_later
from chatroom.errors import ChatroomError
from chatroom.irc.modes import ModeChange, format_changes

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.world import World


def expect_end(world: World, entry: ListEntry) -> None:
    """Have the world look when a new ban ends."""
    until_ms = _until_ms(entry)
    if until_ms and (not world.next_ban_end_ms or until_ms < world.next_ban_end_ms):
        world.next_ban_end_ms = until_ms


def lift_ended_bans(world: World) -> None:
    """Lift the bans of all channels whose end has come, if it is time to look. Set those again whose end has not."""
    if not world.next_ban_end_ms or world.next_ban_end_ms > world.wall_ms:
        return
    world.next_ban_end_ms = 0
    for channel in list(world.channels.values()):
        if not channel.lists and not channel.ended_bans:
            continue
        again = [entry for entry in channel.ended_bans if _until_ms(entry) > world.wall_ms]
        for entry in again:
            channel.revive_ban(entry)
        ended = []
        for entry in channel.entries("b"):
            if entry.until_at is not None and _until_ms(entry) <= world.wall_ms:
                channel.end_ban(entry)
                ended.append(entry)
            else:
                expect_end(world, entry)
        if again:
            _store_and_tell(world, channel, [ModeChange(True, "b", one.mask) for one in again], "the clock was set")
        if ended:
            _store_and_tell(world, channel, [ModeChange(False, "b", one.mask) for one in ended], "the time was over")


def look_again(world: World) -> None:
    """Judge the ends of all channel bans anew, because the wall clock was set."""
    world.next_ban_end_ms = world.wall_ms
    lift_ended_bans(world)


def _until_ms(entry: ListEntry) -> int:
    return int(entry.until_at.timestamp() * 1000) if entry.until_at is not None else 0


def _store_and_tell(world: World, channel: Channel, modes: list[ModeChange], why: str) -> None:
    """Tell the members of a channel what has changed of its bans, when that is stored."""
    changes = format_changes(modes)
    if not channel.stored:
        _tell(world, channel, changes)
        return
    record, by = channel.to_record(), Actor(world.settings.server.name, "server")

    def then(outcome: object) -> None:
        if isinstance(outcome, ChatroomError):
            save_later(world, channel, by, "channel.mode", detail, outcome)
        _tell(world, channel, changes)

    detail = f"{' '.join(changes)} ({why})"
    # As a write: what a line of this tick saves of the channel comes behind it, and is newer.
    world.work.write(lambda stores: stores.channels.save(record, by, "channel.mode", detail), then)


def _tell(world: World, channel: Channel, changes: list[str]) -> None:
    if world.channels.get(channel.folded) is not channel:
        return  # ended meanwhile
    for change in changes:
        event = world.outbox.event(world.settings.server.name, f"MODE {channel.name} {change}", conversation=channel)
        world.ledger.add_event(event, Kind.MODE, channel, change, None)
        world.tell_channel(channel, event)
