"""Metadata that is told without being asked for: in the welcome, and when somebody joins.

Source: IRCv3 draft/metadata-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chatroom.chat.metadata import message, wanted
from chatroom.commands.context import Context
from chatroom.irc import caps, numerics

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel

SYNC_MEMBERS = 200
"""In how large a channel a JOIN is followed by all metadata at once; in larger ones the client is to ask for it."""
_SYNC_LATER_S = "2"


def show_own_metadata(context: Context) -> None:
    """Tell somebody who is welcomed their own metadata, all of it, if they know of metadata."""
    if context.session.caps & caps.METADATA:
        user = context.user
        with context.batch(f"metadata {user.nick}"):
            for key, value in user.metadata.items():
                context.say(f":{context.server} {message(user.nick, key, value)}")


def show_metadata(context: Context, channel: Channel) -> None:
    """Tell a session that has joined a channel what it wants to know of that and of those in it."""
    session = context.session
    if not session.caps & caps.METADATA or not session.subscriptions:
        return
    if len(channel.members) > SYNC_MEMBERS:
        context.reply(numerics.RPL_METADATASYNCLATER, channel.name, _SYNC_LATER_S)
    else:
        say_all_wanted(context, channel.name, channel.metadata, channel)


def say_all_wanted(context: Context, name: str, values: Mapping[str, str], channel: Channel | None) -> None:
    """Tell what a session wants to know of somebody, or of a channel and all in it, in a batch."""
    with context.batch(f"metadata {name}"):
        _say_wanted(context, name, values)
        for member in channel.members if channel is not None else ():
            _say_wanted(context, member.nick, member.metadata)


def _say_wanted(context: Context, name: str, values: Mapping[str, str]) -> None:
    for key, value in wanted(context.session, values):
        context.say(f":{context.server} {message(name, key, value)}")


def introduce(context: Context, channel: Channel) -> None:
    """Tell a channel what its members want to know of somebody who has joined it."""
    user, world = context.user, context.world
    values = user.metadata
    if values:
        for session in channel.sessions:
            if session is not context.session:
                for key, value in wanted(session, values):
                    world.tell_session(session, f":{context.server} {message(user.nick, key, value)}")
