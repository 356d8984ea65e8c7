"""Channels: joining, leaving, topics, who is in them.

Source: Modern IRC Client Protocol, "Channel Operations".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.channel import OP, Channel, prefixes
from chatroom.chat.events import Event
from chatroom.chat.records import Role
from chatroom.commands.context import Context, printable
from chatroom.commands.keeping import keep
from chatroom.commands.pending import Pending
from chatroom.commands.table import command
from chatroom.irc import caps, numerics
from chatroom.irc.names import is_channel

if TYPE_CHECKING:
    from chatroom.chat.session import Session
    from chatroom.chat.user import User

TOPIC_BYTES = 390
KICK_BYTES = 255
_NAMES_BYTES = 400
FOUNDED_CHANNELS = 50
"""How many stored channels one account may found; what it makes beyond that ends with its last member."""


def acts_by_right(context: Context, channel: Channel) -> bool:
    """Whether the user may act as operator there: a channel operator, a moderator or an admin."""
    return bool(channel.members.get(context.user, 0) & OP) or context.role >= Role.MODERATOR


def find_visible(context: Context, name: str) -> Channel | None:
    """The channel called ``name``; refuses (403) where there is none."""
    channel = context.world.find_channel(name)
    if channel is None:
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
    return channel


@command("JOIN", "<channels> [<keys>]")
def join(context: Context, params: list[str]) -> Pending | None:
    """Joins channels, by comma. JOIN 0 leaves them all."""
    if params[0] == "0":
        for channel in list(context.user.channels):
            depart(context, channel, "")
        return None
    keys = params[1].split(",") if len(params) > 1 else []
    for index, name in enumerate(params[0].split(",")):
        if name:
            _join_one(context, name, keys[index] if index < len(keys) else "")
    return None


def _join_one(context: Context, name: str, key: str) -> None:
    world, user = context.world, context.user
    channel = world.find_channel(name)
    if channel is None and not is_channel(name):
        numeric = numerics.ERR_BADCHANMASK if name.startswith("#") else numerics.ERR_NOSUCHCHANNEL
        context.reply(numeric, printable(name))
    elif channel is not None and user in channel.members:
        return
    elif len(user.channels) >= world.settings.channels.max_joined:
        context.reply(numerics.ERR_TOOMANYCHANNELS, printable(name))
    else:
        refusal = _entry_refusal(context, channel, key) if channel is not None else None
        if refusal is not None:
            context.reply(refusal, name)
        else:
            enter(context, channel or _found(context, name))


def _entry_refusal(context: Context, channel: Channel, key: str) -> numerics.Numeric | None:
    """Why the user may not come in. Moderators and admins may act, and so come, anywhere."""
    user = context.user
    if context.role >= Role.MODERATOR or channel in user.invited:
        return None
    if user.account is not None and channel.regained_standing(user.account.id) & OP:
        return None
    if channel.key is not None and key != channel.key:
        return numerics.ERR_BADCHANNELKEY
    if "i" in channel.flags and not channel.matches("I", user):
        return numerics.ERR_INVITEONLYCHAN
    if channel.is_banned(user):
        return numerics.ERR_BANNEDFROMCHAN
    if channel.limit is not None and len(channel.members) >= channel.limit:
        return numerics.ERR_CHANNELISFULL
    return None


def _found(context: Context, name: str) -> Channel:
    """Make a channel. An account's is stored and remembers its founder; a guest's ends with its last member."""
    world, account = context.world, context.user.account
    channel = world.make_channel(name)
    if account is not None:
        founded = sum(1 for other in world.channels.values() if other.founder_id == account.id)
        if founded < FOUNDED_CHANNELS:
            channel.founder_id = account.id
            channel.access[account.id] = "founder"
            channel.stored = True
            record, actor = channel.to_record(), context.actor
            world.remember(lambda stores: stores.channels.save(record, actor, "channel.create", ""))
    return channel


def enter(context: Context, channel: Channel) -> None:
    """Put the user into a channel and tell everybody; nothing is checked any more."""
    world, user = context.world, context.user
    is_new = not channel.members and not channel.stored
    standing = OP if is_new else 0
    regained = channel.regained_standing(user.account.id) if user.account is not None else 0
    empty = not channel.members
    world.join(channel, user, standing | regained)
    event = _join_event(context, channel)
    world.tell_channel(channel, event, skip=context.session)
    if user.away is not None:
        away = Event(user.prefix, f"AWAY :{user.away}", account=user.account_name, needs=caps.AWAY_NOTIFY)
        world.outbox.number(away)
        world.tell_channel(channel, away, skip=context.session)
    if regained and not empty:
        letters = "o" if regained & OP else "v"
        mode = world.event(context.server, f"MODE {channel.name} +{letters} {user.nick}")
        world.tell_channel(channel, mode, skip=context.session)
    context.say(event)
    show_channel(context, channel)


def _join_event(context: Context, channel: Channel) -> Event:
    user = context.user
    event = context.world.event(user.prefix, f"JOIN {channel.name}", user)
    extended = f"JOIN {channel.name} {user.account_name or '*'} :{user.realname}"
    event.alternative = caps.EXTENDED_JOIN, extended
    return event


def show_channel(context: Context, channel: Channel, *, joined: bool = False) -> None:
    """Show a channel to a session that is new in it: its topic and its members; ``joined`` says the JOIN as well."""
    if joined:
        context.say(_join_event(context, channel))
    if channel.topic:
        reply_topic(context, channel)
    reply_names(context, channel)


def reply_topic(context: Context, channel: Channel) -> None:
    """The topic, and who set it when."""
    context.reply(numerics.RPL_TOPIC, channel.name, text=channel.topic)
    context.reply(numerics.RPL_TOPICWHOTIME, channel.name, channel.topic_by, str(channel.topic_ms // 1000))


def reply_names(context: Context, channel: Channel) -> None:
    """The members the user may see, in as many lines as it takes."""
    session = context.session
    user = context.user
    inside = user in channel.members
    sign = "@" if "s" in channel.flags else "="
    multiple = bool(session.caps & caps.MULTI_PREFIX)
    full = bool(session.caps & caps.USERHOST_IN_NAMES)
    head = f":{context.server} 353 {user.nick} {sign} {channel.name} :"
    words: list[str] = []
    length = 0
    for member, standing in channel.members.items():
        if member.invisible and not inside:
            continue
        name = member.prefix if full else member.nick
        word = prefixes(standing, multiple) + name if standing else name
        length += len(word.encode()) + 1 if not word.isascii() else len(word) + 1
        if length > _NAMES_BYTES and words:
            context.say(head + " ".join(words))
            words, length = [], len(word.encode()) + 1
        words.append(word)
    if words:
        context.say(head + " ".join(words))
    context.reply(numerics.RPL_ENDOFNAMES, channel.name)


@command("PART", "<channels> [<reason>]")
def part(context: Context, params: list[str]) -> Pending | None:
    """Leaves channels, by comma."""
    for name in params[0].split(","):
        channel = context.world.find_channel(name)
        if channel is None:
            context.reply(numerics.ERR_NOSUCHCHANNEL, printable(name))
        elif context.user not in channel.members:
            context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        else:
            depart(context, channel, params[1] if len(params) > 1 else "")
    return None


def depart(context: Context, channel: Channel, reason: str) -> None:
    """Take the user out of a channel and tell everybody."""
    world, user = context.world, context.user
    event = world.event(user.prefix, f"PART {channel.name} :{reason}" if reason else f"PART {channel.name}", user)
    world.tell_channel(channel, event, skip=context.session)
    world.leave(channel, user)
    context.say(event)


@command("TOPIC", "<channel> [<topic>]")
def topic(context: Context, params: list[str]) -> Pending | None:
    """Shows a channel's topic, or sets it; an empty one takes it away."""
    channel = find_visible(context, params[0])
    if channel is None:
        return None
    inside = context.user in channel.members
    if len(params) < 2:
        if not inside and "s" in channel.flags and context.role < Role.MODERATOR:
            context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        elif channel.topic:
            reply_topic(context, channel)
        else:
            context.reply(numerics.RPL_NOTOPIC, channel.name)
        return None
    if not inside and context.role < Role.MODERATOR:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        return None
    if "t" in channel.flags and not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
        return None
    channel.topic = shorten(params[1], TOPIC_BYTES)
    channel.topic_by = context.user.prefix
    channel.topic_ms = context.world.now_ms
    return keep(context, channel, [f"TOPIC {channel.name} :{channel.topic}"], "channel.topic", channel.topic)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` bytes of a text, cut between two characters."""
    data = text.encode()
    return text if len(data) <= limit else data[:limit].decode(errors="ignore")


@command("NAMES", "[<channels>]")
def names(context: Context, params: list[str]) -> Pending | None:
    """Lists who is in channels, by comma."""
    if not params:
        context.reply(numerics.RPL_ENDOFNAMES, "*")
        return None
    for name in params[0].split(","):
        channel = context.world.find_channel(name)
        hidden = channel is not None and "s" in channel.flags and context.user not in channel.members
        if channel is None or (hidden and context.role < Role.MODERATOR):
            context.reply(numerics.RPL_ENDOFNAMES, printable(name))
        else:
            reply_names(context, channel)
    return None


@command("LIST", "[<channels>]")
def list_(context: Context, params: list[str]) -> Pending | None:
    """Lists channels with their topics."""
    world = context.world
    if params and params[0]:
        found = [channel for name in params[0].split(",") if (channel := world.find_channel(name)) is not None]
    else:
        found = list(world.channels.values())
    context.reply(numerics.RPL_LISTSTART, "Channel")
    for channel in found:
        if "s" in channel.flags and context.user not in channel.members and context.role < Role.MODERATOR:
            continue
        context.reply(numerics.RPL_LIST, channel.name, str(len(channel.members)), text=channel.topic)
    context.reply(numerics.RPL_LISTEND)
    return None


@command("KICK", "<channel> <nicks> [<reason>]")
def kick(context: Context, params: list[str]) -> Pending | None:
    """Takes people, by comma, out of a channel."""
    channel = find_visible(context, params[0])
    if channel is None:
        return None
    if context.user not in channel.members and context.role < Role.MODERATOR:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
        return None
    if not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
        return None
    reason = shorten(params[2], KICK_BYTES) if len(params) > 2 and params[2] else context.user.nick
    for nick in params[1].split(","):
        target = context.world.find_user(nick)
        if target is None:
            context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
        elif target not in channel.members:
            context.reply(numerics.ERR_USERNOTINCHANNEL, target.nick, channel.name)
        else:
            _kick_one(context, channel, target, reason)
    return None


def _kick_one(context: Context, channel: Channel, target: User, reason: str) -> None:
    world = context.world
    event = world.event(context.source, f"KICK {channel.name} {target.nick} :{reason}", context.user)
    world.tell_channel(channel, event, skip=context.session)
    world.leave(channel, target)
    context.say(event)
    world.note(f"{target.nick} was kicked from {channel.name} by {context.nick}: {reason}")
    actor, detail = context.actor, f"{target.nick}: {reason}"
    world.remember(lambda stores: stores.audit.add(actor, "channel.kick", channel.name, detail))


@command("INVITE", "[<nick> <channel>]")
def invite(context: Context, params: list[str]) -> Pending | None:
    """Invites somebody into a channel; alone, lists your invitations."""
    if not params:
        for invited in context.user.invited:
            context.reply(numerics.RPL_INVITELIST, invited.name)
        context.reply(numerics.RPL_ENDOFINVITELIST)
        return None
    if len(params) < 2:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "INVITE")
        return None
    world = context.world
    target = world.find_user(params[0])
    channel = world.find_channel(params[1])
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(params[0]))
    elif channel is None:
        context.reply(numerics.ERR_NOSUCHCHANNEL, printable(params[1]))
    elif context.user not in channel.members:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
    elif "i" in channel.flags and not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
    elif target in channel.members:
        context.reply(numerics.ERR_USERONCHANNEL, target.nick, channel.name)
    else:
        _invite_one(context, channel, target)
    return None


def _invite_one(context: Context, channel: Channel, target: User) -> None:
    world = context.world
    target.invited.add(channel)
    context.reply(numerics.RPL_INVITING, target.nick, channel.name)
    event = world.event(context.source, f"INVITE {target.nick} {channel.name}", context.user)
    world.tell_user(target, event)
    for member, standing in channel.members.items():
        if standing & OP and member is not context.user:
            for session in member.sessions:
                _tell_inviting(context, session, event)
    if target.away is not None:
        context.reply(numerics.RPL_AWAY, target.nick, text=target.away)


def _tell_inviting(context: Context, session: Session, event: Event) -> None:
    if session.caps & caps.INVITE_NOTIFY:
        context.world.tell_event(session, event)
