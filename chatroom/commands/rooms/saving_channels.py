"""Saving a change to a channel, and then telling the channel.

The change is in memory at once, so the next line is judged by it. The members read of it when the database has it. Each
save has the whole channel, and one worker does all saves in order. So the stored channel is always one that was in
memory at some time.

In a cluster each node has a worker of its own, and a later change may be saved first. So a change is told only when
those before it were told, whichever nodes save them. What the members read last is what holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.stored.entries import Kind
from chatroom.chat.unstored_channels import save_later
from chatroom.chat.work_queue import PATIENCE_MS, Order
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import StorageError

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.stores import Stores

_NOT_STORED = "The change holds, but could not be stored: it is tried again, and ends with a restart until then"
_LOOK_MS = 10
"""How often a change that is saved looks if those before it were told. It gives up after ``PATIENCE_MS``, because the
node that saves one may stand still."""
_KINDS = {"MODE": Kind.MODE, "TOPIC": Kind.TOPIC}


def save_and_tell(
    context: Context, channel: Channel, verb: str, changes: list[str], action: str, detail: str
) -> Pending | None:
    """Save a channel that has changed, if it is a stored one, and then tell its members.

    The members read one line for each of ``changes`` (``+m``, ``:new topic``): the verb, the channel and the change.
    ``action`` and ``detail`` are for the audit. If the save fails, the members read them all the same, and the user
    reads a warning, and the save is tried again until it succeeds.
    """
    source = context.source
    account = context.user.account_name
    if not channel.stored:
        _tell(context, channel, source, account, verb, changes)
        return None
    record, actor = channel.to_record(), context.actor
    change, give_up_ms = _begin(context, channel), context.world.mono_ms + PATIENCE_MS

    def job(stores: Stores) -> str | None:
        try:
            stores.channels.save(record, actor, action, detail)
        except StorageError as error:
            return str(error)  # not raised: ``then`` would not run, and the change in memory would stay untold
        return None

    def then(context: Context, failure: str | None) -> Pending | None:
        if _is_behind_another(context, channel, change) and context.world.mono_ms < give_up_ms:
            return Pending(None, None, lambda context, _: then(context, failure), delay_ms=_LOOK_MS)
        _end(channel, change)
        if failure is not None:
            save_later(context.world, channel, actor, action, detail, failure)
            context.warn("NOT_STORED", channel.name, text=_NOT_STORED)
        _tell(context, channel, source, account, verb, changes)
        return None

    return Pending("store", job, then, order=Order.TOGETHER)


def _begin(context: Context, channel: Channel) -> str:
    """Note that a change is to be told, for all nodes. Return its name; empty if this daemon is alone."""
    home = context.world.home
    if not home:
        return ""
    change = f"{home} {context.session.id}"
    channel.untold = (*channel.untold, change)
    return change


def _is_behind_another(context: Context, channel: Channel, change: str) -> bool:
    """True if an earlier change is still to be told, and its node lives."""
    if change not in channel.untold:
        return False  # this daemon is alone, or a later change has waited for this one long enough
    world = context.world
    homes = {one.partition(" ")[0] for one in channel.untold[: channel.untold.index(change)]}
    return world.home in homes or not homes.isdisjoint(world.homes())


def _end(channel: Channel, change: str) -> None:
    if change in channel.untold:
        channel.untold = channel.untold[channel.untold.index(change) + 1 :]  # nobody waits for those before it


def _tell(context: Context, channel: Channel, source: str, account: str | None, verb: str, changes: list[str]) -> None:
    world, own = context.world, context.session.user
    inside = own is not None and own in channel.members
    if own is not None:
        source, account = own.prefix, own.account_name  # as of now: a NICK may have come while the save was under way
    for change in changes:
        event = world.outbox.event(source, f"{verb} {channel.name} {change}", conversation=channel)
        event.account, event.bot = account, own is not None and own.bot
        if verb in _KINDS:
            text = change.removeprefix(":") if verb == "TOPIC" else change
            world.ledger.add_event(event, _KINDS[verb], channel, text, own)
        world.tell_channel(channel, event, skip=context.session if inside else None)
        context.say(event)
