"""The end of channel bans that were set for a time (CBAN): the server lifts them, by the wall clock.

The hub calls ``lift_ended_bans`` when a tick begins, before any line is judged by a ban. An I/O thread ticks at least
once a second. What ended while the daemon did not run is lifted in the first tick.
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
    """Lift the bans of all channels whose end has come, if it is time to look."""
    if not world.next_ban_end_ms or world.next_ban_end_ms > world.wall_ms:
        return
    world.next_ban_end_ms = 0
    for channel in list(world.channels.values()):
        if not channel.lists:
            continue
        timed = [entry for entry in channel.entries("b") if entry.until_at is not None]
        ended = [entry for entry in timed if _until_ms(entry) <= world.wall_ms]
        for entry in timed:
            if entry not in ended:
                expect_end(world, entry)
        if ended:
            _lift(world, channel, ended)


def _until_ms(entry: ListEntry) -> int:
    return int(entry.until_at.timestamp() * 1000) if entry.until_at is not None else 0


def _lift(world: World, channel: Channel, ended: list[ListEntry]) -> None:
    """Take the bans out of the channel, and tell its members when that is stored."""
    for entry in ended:
        channel.discard_mask("b", entry.mask)
    changes = format_changes([ModeChange(False, "b", entry.mask) for entry in ended])
    if not channel.stored:
        _tell(world, channel, changes)
        return
    record, by = channel.to_record(), Actor(world.settings.server.name, "server")

    def then(outcome: object) -> None:
        if isinstance(outcome, ChatroomError):
            save_later(world, channel, by, "channel.mode", detail, outcome)
        _tell(world, channel, changes)

    detail = f"{' '.join(changes)} (the time was over)"
    # As a write: what a line of this tick saves of the channel comes behind it, and is newer.
    world.work.write(lambda stores: stores.channels.save(record, by, "channel.mode", detail), then)


def _tell(world: World, channel: Channel, changes: list[str]) -> None:
    if world.channels.get(channel.folded) is not channel:
        return  # ended meanwhile
    for change in changes:
        event = world.outbox.event(world.settings.server.name, f"MODE {channel.name} {change}", conversation=channel)
        world.ledger.add_event(event, Kind.MODE, channel, change, None)
        world.tell_channel(channel, event)
