"""JOIN and PART: entering and leaving channels.

Source: Modern IRC Client Protocol, "JOIN message" and "PART message".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chatroom.chat.events import Event
from chatroom.chat.people.channel import OP, Channel
from chatroom.chat.stored.entries import Kind
from chatroom.chat.stored.records import Role
from chatroom.chat.unstored_channels import save_later
from chatroom.chat.unused_channels import note_use
from chatroom.commands.channel_rules import find_visible
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.pending import Pending
from chatroom.commands.presence.metadata_push import introduce, show_channel_metadata
from chatroom.commands.reading.read_markers import show_marker
from chatroom.commands.reading.replay import replay_channel
from chatroom.commands.rooms.member_list import reply_names
from chatroom.commands.rooms.throttles import refuse_throttled_join
from chatroom.commands.rooms.topics import reply_topic
from chatroom.commands.spam_checks import find_refusal
from chatroom.commands.talking.messages import may_tell
from chatroom.commands.talking.slow_mode import note_said
from chatroom.errors import StorageError
from chatroom.irc import caps, numerics
from chatroom.irc.limits import LEAVE_BYTES
from chatroom.irc.names import is_channel

if TYPE_CHECKING:
    from chatroom.chat.people.user import User

_CHANNEL_BYTES: Final = 256
_MEMBER_BYTES: Final = 4
"""For ``work_of``: a channel by itself, and each of its members."""
_NEW_CHANNEL_BYTES: Final = 1024
"""The further work of making a channel, most of which is the store worker's: it forgets who was in an earlier one."""
# Read once: an attribute of an Enum class is slow, and each JOIN needs it.
_MODERATOR: Final = Role.MODERATOR
MOST_FORWARDS: Final = 5
"""How many forwards one JOIN follows. Each of them costs the user a line of explanation."""


@command("JOIN", "<channels> [<keys>]", stores=True)
def join(context: Context, params: list[str]) -> Pending | None:
    """Joins one or more channels, separated by commas. JOIN 0 leaves all channels."""
    if not params[0].strip(","):
        context.reply(numerics.ERR_NEEDMOREPARAMS, "JOIN")
        return None
    if params[0] == "0":
        return in_pieces(context, _part_each(context, [channel.name for channel in context.user.channels], ""))
    keys = params[1].split(",") if len(params) > 1 else []
    if "," not in params[0]:
        _join_named(context, params[0], keys[0] if keys else "")
        return None
    return in_pieces(context, _join_each(context, params[0].split(","), keys))


def work_of(channel: Channel) -> int:
    """The work of a user's coming into a channel, or going, as for ``Steps``: its members are listed, or told."""
    return _CHANNEL_BYTES + len(channel.members) * _MEMBER_BYTES


def _join_each(context: Context, names: list[str], keys: list[str]) -> Steps:
    work = 0
    for index, name in enumerate(names):
        if work:
            yield work
        if name:
            work = _join_named(context, name, keys[index] if index < len(keys) else "")


def _join_named(context: Context, name: str, key: str) -> int:
    """Join the channel of that name, or make it. Return the work of it."""
    before = context.world.find_channel(name)
    channel = _join_one(context, before, name, key)
    if channel is None:
        return _CHANNEL_BYTES
    if before is not None:
        return work_of(channel)
    context.world.costs.work_bytes += _NEW_CHANNEL_BYTES
    return work_of(channel) + _NEW_CHANNEL_BYTES


def _join_one(context: Context, channel: Channel | None, name: str, key: str) -> Channel | None:
    """Join the channel, which is the one of that name, or make it (None). Return it; None if it could not be made."""
    world, user = context.world, context.user
    if channel is None and not is_channel(name):
        numeric = numerics.ERR_BADCHANMASK if name.startswith("#") else numerics.ERR_NOSUCHCHANNEL
        context.reply(numeric, printable(name))
    elif channel is not None and user in channel.members:
        return channel
    elif len(user.channels) >= world.settings.channels.max_joined:
        context.reply(numerics.ERR_TOOMANYCHANNELS, printable(name))
    elif channel is None:
        channel = _create_channel(context, name)
        enter(context, channel)
        if user.account is not None and not channel.stored:
            most = world.settings.channels.max_founded
            text = f"{channel.name} ends when its last member leaves: at most {most} channels of an account are kept"
            context.warn("LIMIT_REACHED", channel.name, str(most), text=text)
    else:
        _enter_or_forward(context, channel, key)
    return channel


def _enter_or_forward(context: Context, channel: Channel, key: str) -> None:
    """Let the user into an existing channel, or into the first of its forwards that does not refuse; or say why not."""
    tried = [channel]
    refusal = _entry_refusal(context, channel, key)
    while refusal is not None:
        target = context.world.find_channel(channel.forward) if channel.forward is not None else None
        if target is None or target in tried or len(tried) > MOST_FORWARDS:  # forwards may form a circle
            context.reply(refusal, channel.name)
            return
        text = f"{refusal.text}, you are forwarded to {target.name}"
        context.reply(numerics.ERR_LINKCHANNEL, channel.name, target.name, text=text)
        if context.user in target.members:
            return
        channel = target
        tried.append(channel)
        refusal = _entry_refusal(context, channel, "")  # the key was for the first channel only
    enter(context, channel)


def _entry_refusal(context: Context, channel: Channel, key: str) -> numerics.Numeric | None:
    """Why the channel refuses the user; None if it does not: then the join counts for mode j, and must follow.

    Moderators and admins may enter every channel.
    """
    user, flags = context.user, channel.flags
    # Moderators too: what is said there must not leave the server in clear.
    if "z" in flags and channel.excludes(user):
        return numerics.ERR_SECUREONLYCHAN
    # First what overrides all modes; then the modes, of which the user reads only the first that refuses.
    if context.session.role >= _MODERATOR or channel in user.invited:
        return None
    if user.account is not None and channel.regained_standing(user.account.id) & OP:
        return None
    if "R" in flags and user.account is None:
        return numerics.ERR_NEEDREGGEDNICK
    if channel.key is not None and key != channel.key:
        return numerics.ERR_BADCHANNELKEY
    if "i" in flags and not channel.matches("I", user):
        return numerics.ERR_INVITEONLYCHAN
    if channel.lists and channel.is_banned(user):
        return numerics.ERR_BANNEDFROMCHAN
    if channel.limit is not None and len(channel.members) >= channel.limit:
        return numerics.ERR_CHANNELISFULL
    return None if channel.join_throttle is None else refuse_throttled_join(context, channel)


def _create_channel(context: Context, name: str) -> Channel:
    """Create a channel. That of an account is stored with its founder; that of a guest ends with its last member."""
    world, account = context.world, context.user.account
    channel = world.create_channel(name)
    # The limit bounds what a user can leave in the database, and what the daemon loads at every start.
    most = world.settings.channels.max_founded
    if account is not None and world.founded.count(account.id, world.channels) < most:
        channel.founder_id = account.id
        world.founded.add(channel)
        channel.set_access(account.id, "founder")
        channel.stored = True
        record, actor = channel.to_record(), context.actor

        def then(outcome: object) -> None:
            if isinstance(outcome, StorageError):
                save_later(world, channel, actor, "channel.create", "", outcome)

        world.work.write(lambda stores: stores.channels.save(record, actor, "channel.create", ""), then)
    return channel


def enter(context: Context, channel: Channel) -> None:
    """Put the user into a channel and tell all members. The caller has checked that the user may enter."""
    world, user = context.world, context.user
    # The first member of a new channel operates it. A stored channel has its operators by account.
    is_new = not channel.members and not channel.stored
    standing = OP if is_new else 0
    regained = channel.regained_standing(user.account.id) if user.account is not None else 0
    empty = not channel.members
    world.join(channel, user, standing | regained)
    event = _join_event(context, user, channel)
    world.ledger.add_event(event, Kind.JOIN, channel, user.realname, user)
    world.outbox.to_channel(channel, event, context.session)
    world.costs.add_readers(channel)
    if user.away is not None:
        away = user.event(f"AWAY :{user.away}", needs=caps.AWAY_NOTIFY)
        world.outbox.number(away, [channel])  # a number after that of the JOIN: members read it behind the JOIN
        world.tell_channel(channel, away, skip=context.session)
    if regained and not empty:
        letters = "o" if regained & OP else "v"
        mode = world.outbox.event(context.server, f"MODE {channel.name} +{letters} {user.nick}", conversation=channel)
        world.tell_channel(channel, mode, skip=context.session)
    # The own session's copy goes through the context, which puts it into the answer to a labelled JOIN.
    context.say(event)
    introduce(world, user, channel)
    for session in user.sessions:
        # The user's other devices are members from now on, too: they need what the joining one is shown.
        show_channel(context if session is context.session else Context(world, session, "JOIN"), channel)
    if user.account is not None:
        world.whereabouts.arrive(user, channel, world.wall_ms)
    if channel.stored:
        note_use(world, channel)
    if world.ledger.journal is None:
        return
    # Last: from here on the channel's lines wait for the replay, and all lines above must come before it.
    for session in user.sessions:
        replay_channel(world, session, channel)


def _join_event(context: Context, user: User, channel: Channel) -> Event:
    event = context.world.outbox.event(user.prefix, f"JOIN {channel.name}", user, channel)
    extended = f"JOIN {channel.name} {event.account or '*'} :{user.realname}"
    event.alternative = caps.EXTENDED_JOIN, extended
    return event


def show_channel(context: Context, channel: Channel, *, joined: bool = False) -> None:
    """Show a channel to a session that is new in it: read marker, topic, members and metadata.

    ``joined`` sends the JOIN too, for a session that enters without a JOIN of its own.
    """
    if joined:
        context.say(_join_event(context, context.user, channel))
    session = context.session
    if session.caps & caps.READ_MARKER:
        show_marker(context, channel)
    if channel.topic:
        reply_topic(context, channel)
    if not session.caps & caps.NO_IMPLICIT_NAMES:
        reply_names(context, channel)
    if session.subscriptions:
        show_channel_metadata(context, channel)


@command("PART", "<channels> [<reason>]", stores=True)
def part(context: Context, params: list[str]) -> Pending | None:
    """Leaves one or more channels, separated by commas."""
    reason = context.use_reason(params, 1, LEAVE_BYTES)
    if reason and find_refusal(context, reason):
        reason = ""
    return in_pieces(context, _part_each(context, params[0].split(","), reason))


def _part_each(context: Context, names: list[str], reason: str) -> Steps:
    work = 0
    for name in names:
        if work:
            yield work
        work = _CHANNEL_BYTES
        channel = find_visible(context, name)
        if channel is None:
            continue
        if context.user not in channel.members:
            context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        else:
            work = work_of(channel)
            _depart(context, channel, reason)


def _depart(context: Context, channel: Channel, reason: str) -> None:
    """Take the user out of a channel and tell all members. They read the reason if the user may speak there."""
    world, user = context.world, context.user
    if reason and not may_tell(context, channel, reason):
        reason = ""
    if reason:
        note_said(world, channel, context.session, user)
    body = f"PART {channel.name} :{reason}" if reason else f"PART {channel.name}"
    event = world.outbox.event(user.prefix, body, user, channel)
    # The order matters. The PART gets its message id first, so that the account has read it when it leaves. And it goes
    # to the channel while the user's other devices are still in it.
    world.ledger.add_event(event, Kind.PART, channel, reason, user)
    world.whereabouts.depart(user, channel)
    world.tell_channel(channel, event, skip=context.session)
    world.costs.add_readers(channel)
    world.leave(channel, user)
    context.say(event)
