"""Metadata that the server sends unasked: in the welcome, and at a JOIN.

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
"""The members of the largest channel whose metadata follows a JOIN at once. In a larger one the client asks for it by
SYNC, because the answer grows with the number of members and would be sent to every client that joins.
"""
_SYNC_LATER_S = "2"
"""After how many seconds the client is to send SYNC."""


def show_own_metadata(context: Context) -> None:
    """Send all of a user's own metadata in the welcome, if the session has the capability metadata."""
    if context.session.caps & caps.METADATA:
        user = context.user
        with context.batch(f"metadata {user.nick}"):
            for key, value in user.metadata.items():
                context.say(f":{context.server} {message(user.nick, key, value)}")


def show_metadata(context: Context, channel: Channel) -> None:
    """Send a session that has joined a channel the metadata it subscribed to, of the channel and its members."""
    session = context.session
    if not session.caps & caps.METADATA or not session.subscriptions:
        return
    if len(channel.members) > SYNC_MEMBERS:
        context.reply(numerics.RPL_METADATASYNCLATER, channel.name, _SYNC_LATER_S)
    else:
        say_all_wanted(context, channel.name, channel.metadata, channel)


def say_all_wanted(context: Context, name: str, values: Mapping[str, str], channel: Channel | None) -> None:
    """Send a batch of metadata that the session subscribed to: that of one target, and of its members if any.

    ``name`` and ``values`` are the target's name and metadata; ``channel`` is the target if it is a channel.
    """
    with context.batch(f"metadata {name}"):
        _say_wanted(context, name, values)
        for member in channel.members if channel is not None else ():
            _say_wanted(context, member.nick, member.metadata)


def _say_wanted(context: Context, name: str, values: Mapping[str, str]) -> None:
    for key, value in wanted(context.session, values):
        context.say(f":{context.server} {message(name, key, value)}")


def introduce(context: Context, channel: Channel) -> None:
    """Send the members of a channel the metadata they subscribed to, of a user that has joined it."""
    user, world = context.user, context.world
    values = user.metadata
    if values:
        for session in channel.sessions:
            if session is not context.session:
                for key, value in wanted(session, values):
                    world.tell_session(session, f":{context.server} {message(user.nick, key, value)}")
