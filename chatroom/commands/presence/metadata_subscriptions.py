"""METADATA SUB, UNSUB, SUBS and SYNC: which keys a session is told of.

Source: IRCv3 draft/metadata-3.
"""

from __future__ import annotations

from collections.abc import Mapping

from chatroom.chat.metadata import is_aware, is_key
from chatroom.commands.context import Context
from chatroom.commands.presence.metadata_push import sync
from chatroom.irc import numerics
from chatroom.irc.limits import METADATA_SUBSCRIPTIONS


def warn_invalid_key(context: Context, key: str) -> None:
    """Warn of a word that is no key. An aware client reads a WARN even if it did not negotiate standard-replies."""
    text = "A key has a to z, 0 to 9 and _./- and at most 48 of them"
    if is_aware(context.session):
        context.standard_reply("WARN", "INVALID_KEY", key, text=text)
    else:
        context.warn("INVALID_KEY", key, text=text)


def subscribe(context: Context, keys: list[str]) -> None:
    """Add subscriptions, with an answer for each key in the given order; stops at the limit."""
    session = context.session
    has_new = False
    for key in keys:
        if not is_key(key):
            warn_invalid_key(context, key)
            continue
        if key not in session.subscriptions:
            if len(session.subscriptions) >= METADATA_SUBSCRIPTIONS:
                text = f"A client may subscribe to {METADATA_SUBSCRIPTIONS} keys"
                context.fail("LIMIT_REACHED", "SUB", key, str(METADATA_SUBSCRIPTIONS), text=text)
                break
            session.subscriptions += (key,)
            has_new = True
        context.reply(numerics.RPL_METADATASUBOK, key)
    if has_new and session.user is not None:
        # The values are many lines: the client asks for them when it wants to, in one go after several SUBs.
        context.reply(numerics.RPL_METADATASYNCLATER, "*ALL", "0")


def unsubscribe(context: Context, keys: list[str]) -> None:
    """Remove subscriptions, with an answer for each key in the given order, subscribed or not."""
    session = context.session
    for key in keys:
        if is_key(key):
            session.subscriptions = tuple(other for other in session.subscriptions if other != key)
            context.reply(numerics.RPL_METADATAUNSUBOK, key)
        else:
            warn_invalid_key(context, key)


def list_subscriptions(context: Context) -> None:
    """List the session's subscriptions, in a batch."""
    with context.batch("metadata-subs"):
        for key in context.session.subscriptions:
            context.reply(numerics.RPL_METADATASUBS, key)


def sync_all(context: Context) -> None:
    """Show the subscribed keys of everything the session sees, each target once, in one batch."""
    user, world = context.session.user, context.world
    targets: dict[str, Mapping[str, str]] = {}
    if user is not None:
        targets[user.nick] = user.metadata
        for channel in user.channels:
            targets[channel.name] = channel.metadata
            targets.update({member.nick: member.metadata for member in channel.members})
        for nick in world.monitors.nicks(context.session):
            monitored = world.find_user(nick)
            if monitored is not None:
                targets[monitored.nick] = monitored.metadata
    sync(context, "*ALL", targets)
