"""Telling a change to a channel once it is on the disk.

The change is in memory at once, so that the next line is judged by it; people read of it when the database has it. All
of a channel's changes go through one worker, whole, in the order in which they were made, so that the database always
holds what memory held at some moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.stored.entries import Kind
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import StorageError

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.stores import Stores


_KEPT = {"MODE": Kind.MODE, "TOPIC": Kind.TOPIC}


def keep(context: Context, channel: Channel, verb: str, changes: list[str], action: str, detail: str) -> Pending | None:
    """Tell the channel its ``changes`` (``+m``), one a line behind ``verb``; a channel that is kept is stored first."""
    source = context.source
    account = context.user.account_name
    if not channel.stored:
        _tell(context, channel, source, account, verb, changes)
        return None
    record, actor = channel.to_record(), context.actor

    def job(stores: Stores) -> str | None:
        try:
            stores.channels.save(record, actor, action, detail)
        except StorageError as error:
            return str(error)  # as a text: an error for an outcome would be a refusal
        return None

    def then(context: Context, failure: str | None) -> None:
        if failure is not None:
            context.world.log_line(f"{channel.name} could not be stored: {failure}")
            context.warn("NOT_STORED", channel.name, text="This holds until a restart only: it could not be stored")
        _tell(context, channel, source, account, verb, changes)

    return Pending("store", job, then)


def _tell(context: Context, channel: Channel, source: str, account: str | None, verb: str, changes: list[str]) -> None:
    world, own = context.world, context.session.user
    inside = own is not None and own in channel.members
    if own is not None:
        source, account = own.prefix, own.account_name  # as they are by now: others know no other name of theirs
    for change in changes:
        event = world.event(source, f"{verb} {channel.name} {change}")
        event.account, event.bot = account, own is not None and own.bot
        if verb in _KEPT:
            text = change.removeprefix(":") if verb == "TOPIC" else change
            world.ledger.add_event(event, _KEPT[verb], channel, text, own)
        world.tell_channel(channel, event, skip=context.session if inside else None)
        context.say(event)
