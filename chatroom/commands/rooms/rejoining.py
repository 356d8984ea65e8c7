"""Coming back: what an account finds at a login after its last connection broke.

It is let into the channels where it was, unless a ban keeps it out. The modes i, j, k, l and R do not: it never left,
and an operator that wanted it out had KICK or a ban for that. Each channel is shown as after a JOIN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.people.channel import OP, Channel
from chatroom.chat.stored.records import Role
from chatroom.commands.context import Context
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.pending import Pending
from chatroom.commands.reading.replay import replay_channel, replay_direct
from chatroom.commands.rooms.joining import enter, work_of
from chatroom.irc import numerics

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry


def come_back(context: Context) -> Pending | None:
    """Show the user that has just logged in its direct messages, and let it into the channels where it was.

    The session's further lines wait, so that it has its channels when its client first names one.
    """
    world, user = context.world, context.session.user
    if user is None or user.account is None:
        return None
    replay_direct(world, context.session)
    return _look_for_places(context, user.account) if world.settings.channels.rejoin else None


def welcome_back(context: Context) -> None:
    """Show the session what its user missed, which is always on and had no session until now."""
    world, user = context.world, context.user
    world.whereabouts.arrive_all(user, world.wall_ms)
    for channel in user.channels:
        replay_channel(world, context.session, channel)
    replay_direct(world, context.session)


def _look_for_places(context: Context, account: AccountEntry) -> Pending:
    renames, made = context.world.channel_renames, context.world.channels_made

    def then(context: Context, places: list[str]) -> Pending | None:
        user = context.session.user
        if user is None or user.account is None or user.account.id != account.id:
            return None  # the session ended meanwhile, or its account
        if context.world.channel_renames != renames:
            return _look_for_places(context, user.account)
        found = [context.world.channels.get(folded) for folded in places]
        # A channel that was made meanwhile is another one of its name, which the account was never in.
        return in_pieces(
            context, _enter_each(context, [channel for channel in found if channel and channel.number <= made])
        )

    return Pending("store", lambda stores: stores.presence.find_places(account.id), then, reads=True)


def _enter_each(context: Context, channels: list[Channel]) -> Steps:
    world, account = context.world, context.user.account
    for channel in channels:
        # Looked at again for each: the channel, or the account, can be gone since the last piece.
        if world.channels.get(channel.folded) is channel and context.user.account is account:
            if context.user not in channel.members:
                _enter_again(context, channel)
            yield work_of(channel)


def _enter_again(context: Context, channel: Channel) -> None:
    world, user = context.world, context.user
    account = user.account
    assert account is not None
    if len(user.channels) >= world.settings.channels.max_joined:
        context.reply(numerics.ERR_TOOMANYCHANNELS, channel.name)
    elif channel.excludes(user):
        context.reply(numerics.ERR_SECUREONLYCHAN, channel.name)  # it may come back by TLS
    elif _is_banned(context, channel, account):
        context.reply(numerics.ERR_BANNEDFROMCHAN, channel.name)
        world.work.write(lambda stores: stores.presence.forget_place(account.id, channel.folded))
    else:
        enter(context, channel)


def _is_banned(context: Context, channel: Channel, account: AccountEntry) -> bool:
    if context.role >= Role.MODERATOR or channel.regained_standing(account.id) & OP:
        return False
    return channel.is_banned(context.user)
