"""Metadata that a client gets without asking: in the welcome, after its own JOIN, and when a user comes into view.

Source: IRCv3 draft/metadata-3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chatroom.chat.metadata import is_aware, tell_wanted, value_line, wanted
from chatroom.commands.context import Context
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

SYNC_MEMBERS = 200
"""A JOIN to a channel with more members is answered with 774 instead: the client asks later if it wants to."""
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
    if len(channel.members) > SYNC_MEMBERS:
        context.reply(numerics.RPL_METADATASYNCLATER, channel.name, _SYNC_LATER_S)
    else:
        sync(context, channel.name, channel_metadata(channel))


def channel_metadata(channel: Channel) -> dict[str, Mapping[str, str]]:
    """The metadata of a channel and of its members, by their names."""
    return {channel.name: channel.metadata, **{member.nick: member.metadata for member in channel.members}}


def sync(context: Context, name: str, targets: Mapping[str, Mapping[str, str]]) -> None:
    """Show what the session subscribed to of each target, in one batch called after ``name``."""
    with context.batch(f"metadata {name}"):
        for target, values in targets.items():
            for key, value in wanted(context.session, values):
                context.say(value_line(context.world, context.session, target, key, value))


def show_monitored_metadata(context: Context, users: Iterable[User]) -> None:
    """Show a session that was told 730 of some users what it subscribed to of each."""
    if context.session.subscriptions and is_aware(context.session):
        for user in users:
            sync(context, user.nick, {user.nick: user.metadata})


def tell_watchers(world: World, user: User) -> None:
    """Tell the sessions that monitor a user, who came just now, what they subscribed to."""
    if user.metadata:
        for session in world.monitors.watchers(user.nick):
            tell_wanted(world, session, user.nick, user.metadata)


def introduce(world: World, user: User, channel: Channel) -> None:
    """Tell the other members of a channel that ``user`` joined what they subscribed to."""
    if user.metadata:
        for session in channel.sessions:
            if session.user is not user:  # the user's own sessions read it with the rest of the channel
                tell_wanted(world, session, user.nick, user.metadata)
