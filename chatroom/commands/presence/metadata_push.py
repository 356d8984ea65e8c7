"""Metadata that a client gets without asking: in the welcome, after its own JOIN, and when a user comes into view.

Source: IRCv3 draft/metadata-3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chatroom.chat.metadata import is_aware, tell_wanted, value_line, wanted
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context
from chatroom.commands.long_answers import Steps
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

SYNC_VALUES = 2000
"""If a JOIN could show more values, members times subscriptions, it is answered with 774 instead: the client asks later
if it wants to."""
_LOOK_BYTES = 16
"""Looking at one user or channel takes as long as answering so many bytes."""
_LINE_BYTES = 80
"""About what a line has beside its value. Making it takes less time, but it is in memory until the client has read it.
"""
_SYNC_LATER_S = "2"


def show_own_metadata(context: Context) -> None:
    """Show a new session all metadata of its user, in a batch that may be empty."""
    if is_aware(context.session):
        user = context.user
        with context.batch(f"metadata {user.nick}"):
            for key, value in user.metadata.items():
                context.say(value_line(context.world, context.session, user.nick, key, value))


def show_channel_metadata(context: Context, channel: Channel) -> None:
    """Show a session that joined a channel what it subscribed to, of the channel and of its members."""
    if not context.session.subscriptions or not is_aware(context.session):
        return
    if len(channel.members) * len(context.session.subscriptions) > SYNC_VALUES:
        context.reply(numerics.RPL_METADATASYNCLATER, channel.name, _SYNC_LATER_S)
    else:
        _sync(context, channel.name, channel_metadata(context, channel))


Targets = Iterable[tuple[str, Mapping[str, str]]]
"""The names of users and channels, each with its metadata."""


def channel_metadata(context: Context, channel: Channel) -> Targets:
    """The metadata of a channel and of its members, as long as the session may read it."""
    yield channel.name, channel.metadata
    for member in list(channel.members):
        if context.user not in channel.members and context.role < Role.MODERATOR:
            return
        if member in channel.members:
            yield member.nick, member.metadata


def sync_steps(context: Context, name: str, targets: Targets) -> Steps:
    """Show what the session subscribed to of each target, in one batch called after ``name``."""
    with context.batch(f"metadata {name}"):
        for target, values in targets:
            work = _LOOK_BYTES
            for key, value in wanted(context.session, values):
                context.say(value_line(context.world, context.session, target, key, value))
                work += _LINE_BYTES + len(value)
            yield work


def _sync(context: Context, name: str, targets: Targets) -> None:
    """Do ``sync_steps`` at once."""
    for _ in sync_steps(context, name, targets):
        pass


def show_monitored_metadata(context: Context, users: Iterable[User]) -> Steps:
    """Show a session that was told 730 of some users what it subscribed to of each who is still there."""
    if context.session.subscriptions and is_aware(context.session):
        for user in users:
            if context.world.users.get(user.folded) is user:
                yield from sync_steps(context, user.nick, [(user.nick, user.metadata)])


def tell_watchers(world: World, user: User) -> None:
    """Tell the sessions that monitor a user, who came just now, what they subscribed to."""
    if user.metadata:
        tell_wanted(world, world.monitors.watchers(user.nick), user.nick, user.metadata)
        world.note_values(user, user.metadata, is_new=True)


def introduce(world: World, user: User, channel: Channel) -> None:
    """Tell the other members of a channel that ``user`` joined what they subscribed to."""
    if user.metadata:
        # The user's own sessions read it with the rest of the channel.
        others = [session for session in world.readers(channel) if session.user is not user]
        tell_wanted(world, others, user.nick, user.metadata)
