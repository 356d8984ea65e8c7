"""RENAME: giving a channel another name.

Source: IRCv3 channel-rename. A session without the capability reads a PART of the old name and a JOIN of the new one.
"""

from __future__ import annotations

from chatroom.chat.people.channel import Channel
from chatroom.chat.stored.records import Role
from chatroom.chat.unstored_channels import rename_later
from chatroom.commands.channel_rules import acts_by_right, find_visible, is_audited
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.rooms.joining import show_channel
from chatroom.commands.spam_checks import find_refusal
from chatroom.errors import StorageError
from chatroom.irc import caps, numerics
from chatroom.irc.limits import KICK_BYTES
from chatroom.irc.names import casefold, is_channel


@command("RENAME", "<channel> <new name> [<reason>]", stores=True)
def rename(context: Context, params: list[str]) -> Pending | None:
    """Gives a channel another name. Its members, modes and lists stay."""
    channel, name = find_visible(context, params[0]), params[1]
    if channel is None:
        return None
    if context.user not in channel.members and context.role < Role.MODERATOR:
        context.reply(numerics.ERR_NOTONCHANNEL, channel.name)
    elif not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
    elif not is_channel(name):
        context.fail("CANNOT_RENAME", channel.name, name, text="That is not a valid channel name")
    elif name == channel.name or context.world.find_channel(name) not in (None, channel):
        context.fail("CHANNEL_NAME_IN_USE", channel.name, name, text="A channel of that name exists already")
    elif channel.configured and casefold(name) != channel.folded:
        context.fail("CANNOT_RENAME", channel.name, name, text="A channel of the configuration cannot be renamed")
    else:
        reason = context.use_reason(params, 2, KICK_BYTES)
        _rename(context, channel, name, "" if reason and find_refusal(context, reason) else reason)
    return None


def _rename(context: Context, channel: Channel, name: str, reason: str) -> None:
    world, old, actor = context.world, channel.name, context.actor
    world.rename_channel(channel, name)
    # Not ``save_and_tell``: the members must read it at once, because the channel's next line has the new name already.
    record = channel.to_record() if channel.stored else None

    def then(outcome: object) -> None:
        if isinstance(outcome, StorageError):
            rename_later(world, channel, old, by, outcome)
        elif not isinstance(outcome, Exception):
            world.ledger.hooks.end_rename(old, name)

    by = actor if is_audited(context, channel) else None
    home = world.home
    world.work.write(lambda stores: stores.channels.rename(old, name, record, by, home=home), then)
    world.log_line(f"{old} is now {name}, by {context.nick}")
    event = world.outbox.event(context.source, f"RENAME {old} {name} :{reason}", context.user, channel)
    for member in channel.members:
        for session in member.sessions:
            # The replies of the fallback depend on the session that reads them, so each session has a context.
            reader = context if session is context.session else Context(world, session, "RENAME", is_asked=False)
            if session.caps & caps.CHANNEL_RENAME:
                reader.say(event)
            elif casefold(old) != channel.folded:  # for a new case of the name there is nothing to leave or join
                _fall_back(reader, channel, old, reason)
    if context.user not in channel.members:
        context.notice(f"{old} is now {name}")


def _fall_back(context: Context, channel: Channel, old: str, reason: str) -> None:
    """Tell a session without the capability: it leaves the old name and joins the new one."""
    user = context.user
    context.say(context.world.outbox.event(user.prefix, f"PART {old} :{reason}" if reason else f"PART {old}", user))
    show_channel(context, channel, joined=True)
