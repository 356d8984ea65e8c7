"""MODE: the modes of a channel. User modes are in ``chatroom.commands.presence.user_modes``.

Source: Modern IRC Client Protocol, "MODE message" and "Channel Modes".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.people.ban_masks import normalise_ban
from chatroom.chat.people.channel import CHANNEL_KINDS, FLAG_MODES, LIST_MODES, OP, PREFIX_MODES, Channel
from chatroom.chat.stored.records import ListEntry, ListMode
from chatroom.commands.channel_rules import acts_by_right, find_visible, is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.presence.user_modes import user_mode
from chatroom.commands.rooms.saving_channels import save_and_tell
from chatroom.commands.rooms.throttles import FLOOD_MODES, apply_flood_mode
from chatroom.irc import numerics
from chatroom.irc.limits import KEY_BYTES, LIST_ENTRIES, MASK_BYTES, MODE_CHANGES
from chatroom.irc.modes import ModeChange, format_changes, parse_changes
from chatroom.irc.names import is_channel

if TYPE_CHECKING:
    from chatroom.chat.people.user import User

_LIST_REPLIES = {
    "b": (numerics.RPL_BANLIST, numerics.RPL_ENDOFBANLIST),
    "e": (numerics.RPL_EXCEPTLIST, numerics.RPL_ENDOFEXCEPTLIST),
    "I": (numerics.RPL_INVEXLIST, numerics.RPL_ENDOFINVEXLIST),
}


@command("MODE", "<target> [<modes> [<parameters>]]")
def mode(context: Context, params: list[str]) -> Pending | None:
    """Shows or changes the modes of a channel, or your own."""
    # A malformed channel name is answered as a channel that does not exist, not as a nick.
    if params[0].startswith("#") or is_channel(params[0]):
        channel = find_visible(context, params[0])
        return None if channel is None else _channel_mode(context, channel, params[1:])
    user_mode(context, params)
    return None


def _channel_mode(context: Context, channel: Channel, params: list[str]) -> Pending | None:
    if not params:
        inside = context.user in channel.members
        context.reply(numerics.RPL_CHANNELMODEIS, channel.name, *channel.modes(inside))
        context.reply(numerics.RPL_CREATIONTIME, channel.name, str(channel.created_ms // 1000))
        return None
    changes = parse_changes(params, CHANNEL_KINDS)[:MODE_CHANGES]  # ISUPPORT MODES: the others are ignored
    done: list[ModeChange] = []
    listed = ""
    for change in changes:
        if change.letter in LIST_MODES and change.param is None:
            # Once a line: a list can be a hundred times as long as the question.
            if change.letter not in listed:
                listed += change.letter
                _reply_list(context, channel, change.letter)
        elif not CHANNEL_KINDS.knows(change.letter):
            context.reply(numerics.ERR_UNKNOWNMODE, change.letter)
        elif not acts_by_right(context, channel):
            # One refusal for the line: all other changes would get the same one.
            context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
            break
        elif CHANNEL_KINDS.lacks_param(change) and not (change.letter == "k" and not change.adding):
            # -k is the exception: any key, or none, removes the key.
            text = f"You must specify a parameter for the {change.letter} mode"
            context.reply(numerics.ERR_INVALIDMODEPARAM, channel.name, change.letter, "*", text=text)
        else:
            applied = _apply(context, channel, change)
            if applied is not None:
                done.append(applied)
    if not done:
        return None
    # The audit is never deleted, and a key is a secret.
    shown = [change._replace(param="*") if change.letter == "k" else change for change in done]
    return save_and_tell(
        context, channel, "MODE", format_changes(done), "channel.mode", " ".join(format_changes(shown))
    )


def _apply(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    """Make one change and return it as the members will read it; None if it changes nothing or is refused."""
    letter, param = change.letter, change.param or ""
    if letter in FLAG_MODES:
        return _apply_flag(context, channel, change)
    if letter == "k":
        return _apply_key(context, channel, change)
    if letter == "l":
        return _apply_limit(context, channel, change)
    if letter == "f":
        return _apply_forward(context, channel, change)
    if letter in FLOOD_MODES:
        return apply_flood_mode(context, channel, change)
    if letter in PREFIX_MODES:
        return _apply_standing(context, channel, change.adding, letter, param)
    for mode in LIST_MODES:  # a loop instead of ``in``, because mypy then knows that ``mode`` is a ListMode
        if mode == letter:
            return _apply_mask(context, channel, change.adding, mode, param)
    return None


def _apply_flag(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    if (change.letter in channel.flags) == change.adding:
        return None
    if change.letter == "z" and change.adding and any(member.reads_in_clear for member in channel.members):
        context.reply(numerics.ERR_ALLMUSTUSETLS, channel.name)
        return None
    flag = frozenset(change.letter)
    channel.flags = channel.flags | flag if change.adding else channel.flags - flag
    return ModeChange(change.adding, change.letter)


def _apply_key(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    key = change.param or ""
    if not change.adding:
        if channel.key is None:
            return None
        channel.key = None
        return ModeChange(False, "k", "*")  # not the parameter: it may be the key, or a key of another channel
    # JOIN separates keys by commas, and a parameter with a space or a colon in front could not be sent there.
    if " " in key or "," in key or key.startswith(":") or len(key.encode()) > KEY_BYTES:
        text = f"A key has no spaces or commas and at most {KEY_BYTES} bytes"
        context.reply(numerics.ERR_INVALIDMODEPARAM, channel.name, "k", "*", text=text)  # never the key
        return None
    if key == channel.key:
        return None
    channel.key = key
    return ModeChange(True, "k", key)


def _apply_limit(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    if not change.adding:
        if channel.limit is None:
            return None
        channel.limit = None
        return ModeChange(False, "l")
    text = change.param or ""
    # Nine digits fit into any client's integer. int() sees ten at most, because it is slow for thousands of digits.
    if not (text.isascii() and text.isdigit() and int(text[:10]) > 0 and len(text) <= 9):
        context.reply(
            numerics.ERR_INVALIDMODEPARAM, channel.name, "l", printable(text), text="A limit is a number from 1 up"
        )
        return None
    if channel.limit == int(text):
        return None
    channel.limit = int(text)
    return ModeChange(True, "l", str(channel.limit))


def _apply_forward(context: Context, channel: Channel, change: ModeChange) -> ModeChange | None:
    """Set or remove the channel that refused users are forwarded to. The sender must be an operator of both channels:
    else a channel could send its crowd into any other.
    """
    if not change.adding:
        if channel.forward is None:
            return None
        channel.forward = None
        return ModeChange(False, "f")
    name = change.param or ""
    target = context.world.find_channel(name)
    if target is None or target is channel or is_hidden(context, target):
        text = "A channel cannot forward to itself" if target is channel else "No such channel"
        context.reply(numerics.ERR_INVALIDMODEPARAM, channel.name, "f", printable(name), text=text)
        return None
    if not acts_by_right(context, target):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, target.name, text="You're not channel operator there")
        return None
    if channel.forward == target.name:
        return None
    channel.forward = target.name
    return ModeChange(True, "f", target.name)


def _apply_standing(context: Context, channel: Channel, adding: bool, letter: str, nick: str) -> ModeChange | None:
    target = context.world.find_user(nick)
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
        return None
    if target not in channel.members:
        context.reply(numerics.ERR_USERNOTINCHANNEL, target.nick, channel.name)
        return None
    bit = PREFIX_MODES[letter]
    standing = channel.members[target]
    if bool(standing & bit) == adding:
        return None
    channel.set_standing(target, standing | bit if adding else standing & ~bit)
    _record_access(channel, target)
    return ModeChange(adding, letter, target.nick)


def _record_access(channel: Channel, target: User) -> None:
    """In a stored channel, record the member's standing for its account, which regains it at the next JOIN.

    The founder's entry never changes: the founder is operator again after every JOIN.
    """
    if not channel.stored or target.account is None:
        return
    account_id = target.account.id
    if channel.access.get(account_id) == "founder":
        return
    standing = channel.members[target]
    channel.set_access(account_id, ("o" if standing & OP else "v") if standing else None)


def read_mask(context: Context, channel: Channel, mode: ListMode, given: str) -> str | None:
    """Return a mask for a list in its full form. If it is not valid there, refuse it and return None."""
    mask = normalise_ban(given)
    if mask is None or " " in mask or len(mask.encode()) > MASK_BYTES or (mode == "I" and mask.startswith("~m:")):
        text = f"A mask has no spaces and at most {MASK_BYTES} bytes"
        if mask is None:
            text = "Unknown kind of mask"
        elif mode == "I" and mask.startswith("~m:"):
            text = "A mute cannot be an invite exception"
        context.reply(numerics.ERR_INVALIDMODEPARAM, channel.name, mode, printable(given), text=text)
        return None
    return mask


def discard_entry(channel: Channel, mode: ListMode, mask: str, given: str) -> ListEntry | None:
    """Remove a mask from a list. Return its entry, or None if it was not on the list."""
    # As given, too: an earlier version may have stored a mask whose normal form is another one today.
    return channel.discard_mask(mode, mask) or channel.discard_mask(mode, given)


def has_room(context: Context, channel: Channel, mode: ListMode) -> bool:
    """True if the channel's lists have room for one more mask; otherwise refuse it."""
    # ISUPPORT MAXLIST=Ibe:100 counts all lists together.
    if sum(len(channel.entries(each)) for each in LIST_MODES) < LIST_ENTRIES:
        return True
    context.reply(numerics.ERR_BANLISTFULL, channel.name, mode)
    return False


def _apply_mask(context: Context, channel: Channel, adding: bool, mode: ListMode, given: str) -> ModeChange | None:
    mask = read_mask(context, channel, mode, given)
    if mask is None:
        return None
    if not adding:
        found = discard_entry(channel, mode, mask, given)
        return ModeChange(False, mode, found.mask) if found is not None else None
    known = channel.find_entry(mode, mask)
    # A ban that would end (CBAN) becomes one without an end.
    if known is not None and known.until_at is None:
        return None
    if known is None and not has_room(context, channel, mode):
        return None
    now = datetime.fromtimestamp(context.world.wall_ms // 1000, UTC)  # whole seconds, as the list replies show them
    channel.add_mask(ListEntry(mode, mask, context.user.prefix, now))
    return ModeChange(True, mode, mask)


def _reply_list(context: Context, channel: Channel, letter: str) -> None:
    """Show one list. All users may read the bans; only operators read the exceptions."""
    mode: ListMode = "b" if letter == "b" else "e" if letter == "e" else "I"
    if mode != "b" and not acts_by_right(context, channel):
        context.reply(numerics.ERR_CHANOPRIVSNEEDED, channel.name)
        return
    entry_reply, end_reply = _LIST_REPLIES[mode]
    for entry in channel.entries(mode):
        context.reply(entry_reply, channel.name, entry.mask, entry.set_by, str(int(entry.set_at.timestamp())))
    context.reply(end_reply, channel.name)
