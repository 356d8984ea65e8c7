"""The channels of a running daemon, for ``chatroomctl channel``: only the daemon knows and changes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from chatroom.chat.people.channel import LIST_MODES, prefixes
from chatroom.chat.stored.entries import Kind
from chatroom.chat.unused_channels import pause_hooks, take_out
from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.errors import NotFound, Refused

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.records import Actor
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

_DELETED = "The channel was deleted"


@command("CHANNELS", when=When.CONTROL)
def channels(context: Context, params: list[str]) -> Pending | None:
    """Lists all channels."""
    for channel in sorted(context.world.channels.values(), key=lambda channel: channel.folded):
        _say(context, "CHANNELS", _summary(context.world, channel), channel.topic)
    return None


@command("CHANNEL", "<channel>", when=When.CONTROL)
def show_channel(context: Context, params: list[str]) -> Pending | None:
    """Shows a channel with its members, lists and rights."""
    channel = _get_channel(context, params[0])
    _say(context, "CHANNEL", ["summary", *_summary(context.world, channel)], channel.topic)
    for kind, words, text in _details(context.world, channel):
        _say(context, "CHANNEL", [kind, *words], text)
    return None


@command("DELETECHANNEL", "<channel>", when=When.CONTROL)
def delete_channel(context: Context, params: list[str]) -> Pending | None:
    """Deletes a channel. Its members are removed; its history stays."""
    actor = context.actor
    channel = _get_channel(context, params[0])
    if channel.configured:
        raise Refused(f"{channel.name} is one of channels.autojoin; take it out there and reload first")
    name, was_stored = channel.name, channel.stored

    def job(stores: Stores) -> list[int]:
        if was_stored:
            return stores.channels.delete(name, actor)
        stores.audit.add(actor, "channel.delete", name, "")
        return stores.hooks.pause_channel(name, actor)

    def then(context: Context, paused: list[int]) -> None:
        pause_hooks(context.world, name, paused)
        if context.world.find_channel(name) is channel:
            _empty(context.world, channel)
            # A change that came meanwhile has stored it again.
            context.world.work.write(lambda stores: _delete_again(stores, name, actor))
        context.world.log_line(f"deleted {name} by {actor.name}")
        context.note("DONE", text=f"Deleted {name}")

    return Pending("store", job, then)


def _delete_again(stores: Stores, name: str, by: Actor) -> None:
    if stores.channels.find(name) is not None:
        stores.channels.delete(name, by)


def _get_channel(context: Context, name: str) -> Channel:
    channel = context.world.find_channel(name)
    if channel is None:
        raise NotFound(f"there is no channel called {name}")
    return channel


def _say(context: Context, verb: str, words: list[str], text: str) -> None:
    context.say(f":{context.server} NOTE {verb} {' '.join(words)} :{text}")


def _summary(world: World, channel: Channel) -> list[str]:
    founder = world.accounts.find_by_id(channel.founder_id) if channel.founder_id is not None else None
    return [
        channel.name,
        str(len(channel.members)),
        "stored" if channel.stored else "temporary",
        "".join(sorted(channel.flags)) or "*",
        founder.name if founder is not None else "*",
        str(channel.created_ms // 1000),
    ]


def _details(world: World, channel: Channel) -> Iterator[tuple[str, list[str], str]]:
    """The lines of a channel: what it is, further words, and a text."""
    if channel.used_ms or channel.members:
        yield "used", [str((world.wall_ms if channel.members else channel.used_ms) // 1000)], ""
    given = {
        "key": channel.key,
        "limit": channel.limit,
        "forward": channel.forward,
        "join-throttle": channel.join_throttle,
        "nick-throttle": channel.nick_throttle,
        "slow-mode": channel.slow_mode.interval_s if channel.slow_mode is not None else None,
    }
    for kind, value in given.items():
        if value is not None:
            yield kind, [], str(value)
    if channel.topic_ms:
        yield "topic", [str(channel.topic_ms // 1000)], channel.topic_by
    for user, standing in channel.members.items():
        yield "member", [], prefixes(standing, multiple=True) + user.nick
    for mode in LIST_MODES:
        for entry in channel.entries(mode):
            until = "*" if entry.until_at is None else _seconds(entry.until_at)
            yield (
                "mask",
                [mode, entry.mask, printable(entry.set_by) or "*", _seconds(entry.set_at), until],
                entry.reason,
            )
    for account_id, level in channel.access.items():
        account = world.accounts.find_by_id(account_id)
        if account is not None:
            yield "access", [level], account.name
    for key, value in channel.metadata.items():
        yield "metadata", [key], value


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def _empty(world: World, channel: Channel) -> None:
    """Remove all members of a channel that was deleted. With the last one the channel is gone."""
    channel.stored = False
    channel.has_history = True  # so that its conversation ends, also if nothing was said in this run
    world.whereabouts.forget_channel(channel)
    for user in list(channel.members):
        body = f"KICK {channel.name} {user.nick} :{_DELETED}"
        event = world.outbox.event(world.settings.server.name, body)
        # In the order of ``joining.depart``, and for the same reasons.
        world.ledger.add_event(event, Kind.KICK, channel, f"{user.nick} {_DELETED}", None)
        world.whereabouts.depart(user, channel)
        world.tell_channel(channel, event)
        world.leave(channel, user)
    take_out(world, channel)  # it had no members
