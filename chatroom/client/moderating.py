"""/kick, /ban, and what else moderators do.

With a channel these act on the channel. Without one, an operator of our server may mean the whole server, so the user
is asked; for everybody else, and on other servers, they act on the channel in front. A pipe is never asked: there a
channel or ``--server`` must be named, so that a script does the same whoever runs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chatroom.client.actions import Action, Choose, Context, Line
from chatroom.client.command_words import Misused, channel_first, line, words_of

SERVER = "--server"
_FLAGS = {"--ip": "--ip", "--name": "--name", "--force": "FORCE"}
_OF_SERVER = (SERVER, *_FLAGS)

KICK_HELP = """\
/kick CHANNEL NAME   removes NAME from the channel
/kick NAME           from the channel in front; admins and moderators of our
                     server are asked if they mean the whole server
/kick --server NAME  disconnects NAME from the server, unasked"""

BAN_HELP = """\
/ban CHANNEL NAME   keeps NAME out of the channel
/ban NAME           the channel in front; admins and moderators of our server
                    are asked if they mean the whole server
/ban --server NAME  the whole server, unasked; also with these options:
  --ip      ban the address that NAME is connected from, not the name
  --force   ban an address of the server itself, or a network with users
  NAME      a nick, an account, an address, a network such as 10.0.0.0/8;
            in a channel also a mask such as *!*@*.example.net
  TIME      30m, 12h, 7d, 1mo or 1d12h; without a TIME the ban lasts permanently
/ban info NAME shows the ban of the server on NAME, and the users that it hits;
/ban info --ip NAME that of NAME's address."""

UNBAN_HELP = """\
/unban CHANNEL NAME  lifts a ban of the channel
/unban NAME          for admins and moderators of our server: lifts a ban of the
                     server on a name or an address, or the ban of this number;
                     for all others: lifts a ban of the channel in front"""

LOCKDOWN_HELP = """\
/lockdown                     shows who may come in
/lockdown accounts-only [1h]  keeps out new guests, for a time if one is named
/lockdown on [1h]             keeps out all but admins and moderators
/lockdown off                 ends it; who is in stays in, always"""

# What our server takes for a duration. All else after the name is the reason.
_DURATION = re.compile(r"(?:[0-9]+(?:mo|[ywdhms]))+", re.IGNORECASE)
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?|[0-9a-f]*:[0-9a-f:.]+(?:/[0-9]+)?", re.IGNORECASE)


def kick(context: Context, rest: str) -> list[Action]:
    """Remove a user from a channel or from the server."""
    words = words_of(rest, 1)
    if context.state.is_channel(words[0]):
        words_of(rest, 2)
        return [_kick_from(words[0], words[1:])]
    if words[0] == SERVER:
        words_of(rest, 2)
        return [_disconnect(words[1:])]
    room = _room(context)
    if not context.can_ask:
        raise Misused(_NAMES_ONE)
    if not context.state.is_server_operator:
        return [_kick_from(_need(room), words)]

    def ask(name: str, room: str) -> Choose:
        now = [name, *words[1:]]
        return _choice("disconnect", name, room, _disconnect(now), _kick_from(room, now) if room else None, ask)

    return [ask(words[0], room)]


def ban(context: Context, rest: str) -> list[Action]:
    """Keep a user out of a channel or off the server."""
    words = words_of(rest, 1)
    if words[0] == "info" and (len(words) == 2 or (len(words) == 3 and words[1] in ("--ip", "--name"))):
        return [line("UBAN", "INFO", *words[1:])]
    if context.state.is_channel(words[0]):
        words_of(rest, 2)
        return [_ban_from(context, words[0], words[1:])]
    if words[0] in _OF_SERVER:
        return [_ban_of_server(words)]
    room = _room(context)
    if not context.can_ask:
        raise Misused(_NAMES_ONE)
    if not context.state.is_server_operator:
        return [_ban_from(context, _need(room), words)]

    def ask(name: str, room: str) -> Choose:
        now = [name, *words[1:]]
        try:
            of_room = _ban_from(context, room, now) if room else None
        except Misused:
            of_room = None  # a reason without a time: only the server takes that
        return _choice("ban", name, room, _ban_of_server(now), of_room, ask)

    return [ask(words[0], room)]


def unban(context: Context, rest: str) -> list[Action]:
    """Lift a ban of a channel or of the server."""
    words = words_of(rest, 1)
    if context.state.is_channel(words[0]):
        words_of(rest, 2)
        return [line("MODE", words[0], "-b", _mask(words[1]))]
    if words[0] == SERVER or context.state.is_server_operator:
        return [line("UBAN", "DEL", words_of(rest.removeprefix(SERVER), 1)[0])]
    return [line("MODE", _need(_room(context)), "-b", _mask(words[0]))]


def bans(context: Context, rest: str) -> list[Action]:
    """List the bans of a channel or of the server."""
    words = rest.split()
    if words[:1] == [SERVER] or (context.state.is_server_operator and not context.state.is_channel(rest)):
        return [line("UBAN", "LIST", *(word for word in words if word != SERVER))]
    channel = words[0] if context.state.is_channel(rest) else _need(_room(context))
    return [line("CBAN", channel) if context.state.is_ours else line("MODE", channel, "b")]


def lockdown(context: Context, rest: str) -> list[Action]:
    """Keep new users off our server, or show if they are kept off."""
    _need_ours(context)
    return [line("LOCKDOWN", *rest.split())]


def audit(context: Context, rest: str) -> list[Action]:
    """List who did what to whom on our server."""
    _need_ours(context)
    return [line("AUDIT", *rest.split())]


def is_duration(text: str) -> bool:
    """Return True if our server takes a text for a duration."""
    return _DURATION.fullmatch(text) is not None


def _need_ours(context: Context) -> None:
    if not context.state.is_ours:
        raise Misused("Only chatroom's own server has that.")


def invite_link(context: Context, rest: str) -> list[Action]:
    """Make an invite of our server, into the channel in front unless another one is named."""
    words = rest.split()
    if not context.state.is_ours:
        raise Misused("Only chatroom's own server makes invites. /invite NAME invites a user to a channel.")
    if not any(context.state.is_channel(word) for word in words) and _room(context):
        words.append(_room(context))
    return [line("INVITELINK", "CREATE", *words)]


def change_standing(mode: str) -> Callable[[Context, str], list[Action]]:
    """Return the command that sets a mode such as ``+o`` for the users that are named."""

    def change(context: Context, rest: str) -> list[Action]:
        channel, names = channel_first(context, rest)
        return [line("MODE", channel, mode, name) for name in words_of(names, 1)]

    return change


_NAMES_ONE = f"Name a channel, or {SERVER} for the whole server."


def _room(context: Context) -> str:
    """The channel in front; empty if there is none."""
    return context.target if context.target is not None and context.state.is_channel(context.target) else ""


def _need(room: str) -> str:
    if not room:
        raise Misused("Name a channel.")
    return room


def _choice(
    verb: str, name: str, room: str, of_server: Line, of_room: Line | None, again: Callable[[str, str], Choose]
) -> Choose:
    what = f"{verb} {name} from the whole server? y/N"
    if of_room is not None:
        what += f", or r for {room} only"
    return Choose(f"{what}: ", of_server, of_room, name, again=again, where=room)


def _kick_from(channel: str, words: list[str]) -> Line:
    return line("KICK", channel, words[0], trailing=" ".join(words[1:]))


def _disconnect(words: list[str]) -> Line:
    # KILL always carries a reason on the wire; an empty one means that there is none.
    return Line(f"KILL {words[0]} :{' '.join(words[1:])}")


def _ban_from(context: Context, channel: str, words: list[str]) -> Line:
    name, *following = words
    if not following:
        return line("MODE", channel, "+b", _mask(name))
    if not _DURATION.fullmatch(following[0]):
        raise Misused("The reason of a channel's ban comes after its TIME, such as 12h.")
    if not context.state.is_ours:
        raise Misused("This server lifts no ban by itself: leave out the TIME, and use /unban later.")
    return line("CBAN", channel, _mask(name), following[0], trailing=" ".join(following[1:]))


def _ban_of_server(words: list[str]) -> Line:
    rest = list(words)
    head = ["UBAN", "ADD"]
    while rest and rest[0] in _OF_SERVER:
        flag = rest.pop(0)
        head += [_FLAGS[flag]] if flag in _FLAGS else []
    if not rest:
        raise Misused
    head.append(rest.pop(0))
    if rest and _DURATION.fullmatch(rest[0]):
        head.append(rest.pop(0))
    return line(*head, trailing=" ".join(rest))


def _mask(name: str) -> str:
    """Return the ban mask for a nick or an address; a mask stays as it is."""
    if any(char in name for char in "!@*?~$"):
        return name
    return f"*!*@{name}" if _ADDRESS.fullmatch(name) else f"{name}!*@*"
