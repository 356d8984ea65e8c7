"""METADATA SUB, UNSUB, SUBS and SYNC: which keys a session is told of.

Source: IRCv3 draft/metadata-3.
"""

from __future__ import annotations

from chatroom.chat.metadata import is_aware, is_key
from chatroom.commands.context import Context
from chatroom.commands.long_answers import in_pieces
from chatroom.commands.pending import Pending
from chatroom.commands.presence.metadata_push import Targets, sync_steps
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


def sync_all(context: Context) -> Pending | None:
    """Show the subscribed keys of everything the session sees, each target once, in one batch."""
    return in_pieces(context, sync_steps(context, "*ALL", _seen(context)))


def _seen(context: Context) -> Targets:
    """The metadata of everything the session sees: its user and channels, their members, and whom it monitors."""
    user, world = context.session.user, context.world
    if user is None:
        return
    yield user.nick, user.metadata
    seen = {user}
    for channel in list(user.channels):
        yield channel.name, channel.metadata
        members = channel.members.keys() - seen
        seen |= members
        for member in members:
            if world.users.get(member.folded) is member:
                yield member.nick, member.metadata
    for nick in list(world.monitors.nicks(context.session)):
        monitored = world.find_user(nick)
        if monitored is not None and monitored not in seen:
            yield monitored.nick, monitored.metadata
