"""The slash commands: what each typed line asks the session to do. No input or output."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from chatroom.client.actions import Action, Context, Join, Leave, Line, Print, Quit, Register, Say, Turn
from chatroom.client.chat_events import SaidKind
from chatroom.client.search_queries import CAPABILITY, HELP, question

_BAN_FLAGS = {"--ip": "--ip", "--name": "--name", "--force": "FORCE"}
_BAN_HELP = """\
  NAME      a nick, an account, an address, or a network such as 10.0.0.0/8
  TIME      30m, 12h, 7d, 1mo or 1d12h; without a TIME the ban lasts permanently
  --ip      ban the address that NAME is connected from, not the name
  --force   ban an address of the server itself, or a network with users
/ban info NAME shows the ban on NAME, and the users that it hits."""
# What our server takes for a duration. All else after the name is the reason.
_DURATION = re.compile(r"(?:[0-9]+(?:mo|[ywdhms]))+", re.IGNORECASE)

Handler = Callable[[Context, str], list[Action]]


class Command(NamedTuple):
    """One slash command."""

    name: str
    usage: str
    """The parameters, as /help shows them."""
    help: str
    handler: Handler
    takes: str = ""
    """What Tab completes in the parameters: ``nick``, ``channel``, ``both``, ``command``, ``search`` or nothing."""
    aliases: tuple[str, ...] = ()
    more: str = ""
    """Further lines of ``/help NAME``."""


class Misused(Exception):
    """The parameters do not fit the command. The text is a sentence for the user, or empty."""


def interpret(text: str, context: Context) -> list[Action]:
    """Return the actions that one typed line asks for. ``//`` at its start sends a text that begins with ``/``."""
    if not text.strip():
        return []
    if not text.startswith("/") or text.startswith("//"):
        return say(text[1:] if text.startswith("//") else text, context)
    name, _, rest = text[1:].partition(" ")
    command = find_command(name)
    if command is None:
        return [_wrong(f"There is no command /{name}. /help lists them; //{name} sends it as text.")]
    try:
        return command.handler(context, rest.strip())
    except Misused as misused:
        usage = f"Usage: /{command.name} {command.usage}".rstrip()
        return [_wrong(f"{misused} {usage}".lstrip())]


def say(text: str, context: Context, kind: SaidKind = "message") -> list[Action]:
    """Return the action that sends ``text`` to the target, or a refusal if there is none."""
    if context.target is None:
        return [_wrong("You are in no channel, so nothing was sent. Use /join #channel or /query NAME first.")]
    return [Say(context.target, text, kind)]


def find_command(name: str) -> Command | None:
    """Return the command of this name or alias, in any case; None if there is none."""
    return _BY_NAME.get(name.lower())


def _wrong(text: str) -> Print:
    return Print(text, wrong=True)


def _words(text: str, least: int) -> list[str]:
    """Return the words of ``text``. Raises ``Misused`` if there are fewer than ``least``."""
    words = text.split()
    if len(words) < least:
        raise Misused
    return words


def _line(verb: str, *params: str, trailing: str = "") -> Line:
    return Line(" ".join([verb, *params, *([f":{trailing}"] if trailing else [])]))


def _channel_first(context: Context, rest: str) -> tuple[str, str]:
    """Split ``rest`` into the channel at its start and what follows. Without a channel there, use the target."""
    first, _, following = rest.partition(" ")
    if context.state.is_channel(first):
        return first, following.strip()
    if context.target is None or not context.state.is_channel(context.target):
        raise Misused("Name a channel.")
    return context.target, rest


def _help(context: Context, rest: str) -> list[Action]:
    if rest:
        name = rest.removeprefix("/").partition(" ")[0]
        command = find_command(name)
        if command is None:
            return [_wrong(f"There is no command /{name}. /help lists them.")]
        also = f" (also /{', /'.join(command.aliases)})" if command.aliases else ""
        more = f"\n{command.more}" if command.more else ""
        return [Print(f"/{command.name} {command.usage}".rstrip() + f": {command.help}{also}{more}")]
    shown = [(f"/{command.name} {command.usage}".rstrip(), command.help) for command in COMMANDS]
    width = max(len(usage) for usage, _ in shown)
    lines = ["What you type is sent to the channel or nick shown in the prompt. Commands:"]
    lines += [f"  {usage:<{width}}  {text}" for usage, text in shown]
    lines.append("Tab completes nicks, channels and commands. To send /text, type //text.")
    return [Print("\n".join(lines))]


def _join(context: Context, rest: str) -> list[Action]:
    words = _words(rest, 1)
    channel = words[0]
    if not context.state.is_channel(channel):
        channel = (context.state.features.channel_types[:1] or "#") + channel
    return [Join(channel, words[1] if len(words) > 1 else "")]


def _part(context: Context, rest: str) -> list[Action]:
    if not rest:
        return _close(context, "")
    channel, reason = _channel_first(context, rest)
    return [Leave(channel, reason)]


def _close(context: Context, rest: str) -> list[Action]:
    if context.target is None:
        return [_wrong("You are in no channel. /quit leaves the chat.")]
    return [Leave(context.target)]


def _msg(context: Context, rest: str) -> list[Action]:
    target, _, text = rest.partition(" ")
    if not text.strip():
        raise Misused
    return [Say(target, text.strip())]


def _query(context: Context, rest: str) -> list[Action]:
    target, _, text = rest.partition(" ")
    if not target:
        raise Misused
    return [Turn(target), *([Say(target, text.strip())] if text.strip() else [])]


def _me(context: Context, rest: str) -> list[Action]:
    if not rest:
        raise Misused
    return say(rest, context, "action")


def _topic(context: Context, rest: str) -> list[Action]:
    channel, topic = _channel_first(context, rest)
    return [Line(f"TOPIC {channel} :") if topic == "-" else _line("TOPIC", channel, trailing=topic)]


def _who(context: Context, rest: str) -> list[Action]:
    if not rest:
        rest, _ = _channel_first(context, "")
    return [_line("WHO", rest.split()[0])]


def _names(context: Context, rest: str) -> list[Action]:
    channel, _ = _channel_first(context, rest)
    return [_line("NAMES", channel)]


def _list(context: Context, rest: str) -> list[Action]:
    return [_line("LIST", *rest.split()[:1])]


def _search(context: Context, rest: str) -> list[Action]:
    if not context.state.caps.issuperset((CAPABILITY, "batch")):
        return [_wrong("This server cannot search past messages.")]
    try:
        return [_line("SEARCH", question(rest, context.target))]
    except ValueError as error:
        raise Misused(str(error)) from None


def _kick(context: Context, rest: str) -> list[Action]:
    words = _words(rest, 1)
    if context.state.is_channel(words[0]):
        _words(rest, 2)
        return [_line("KICK", words[0], words[1], trailing=" ".join(words[2:]))]
    # KILL always carries a reason on the wire; an empty one means that there is none.
    return [Line(f"KILL {words[0]} :{' '.join(words[1:])}")]


def _ban(context: Context, rest: str) -> list[Action]:
    words = _words(rest, 1)
    if words[0] == "info" and len(words) == 2:
        return [_line("UBAN", "INFO", words[1])]
    head = ["UBAN", "ADD"]
    while words and words[0] in _BAN_FLAGS:
        head.append(_BAN_FLAGS[words.pop(0)])
    if not words:
        raise Misused
    head.append(words.pop(0))
    if words and _DURATION.fullmatch(words[0]):
        head.append(words.pop(0))
    return [_line(*head, trailing=" ".join(words))]


def _unban(context: Context, rest: str) -> list[Action]:
    return [_line("UBAN", "DEL", _words(rest, 1)[0])]


def _bans(context: Context, rest: str) -> list[Action]:
    return [_line("UBAN", "LIST", *rest.split())]


def _nick(context: Context, rest: str) -> list[Action]:
    return [_line("NICK", _words(rest, 1)[0])]


def _away(context: Context, rest: str) -> list[Action]:
    if not rest and not context.state.away:
        rest = "away"  # AWAY without a text would mean to be back
    return [_line("AWAY", trailing=rest)]


def _whois(context: Context, rest: str) -> list[Action]:
    if not rest and context.target is not None and not context.state.is_channel(context.target):
        rest = context.target
    return [_line("WHOIS", _words(rest, 1)[0])]


def _invite(context: Context, rest: str) -> list[Action]:
    words = _words(rest, 1)
    channel, _ = _channel_first(context, " ".join(words[1:]))
    return [_line("INVITE", words[0], channel)]


def _mode(context: Context, rest: str) -> list[Action]:
    first = rest.partition(" ")[0]
    if first and context.state.is_me(first):
        return [_line("MODE", rest)]
    channel, modes = _channel_first(context, rest)
    return [_line("MODE", channel, *modes.split())]


def _raw(context: Context, rest: str) -> list[Action]:
    if not rest:
        raise Misused
    verb, _, following = rest.partition(" ")
    if verb.upper() == "QUIT":  # as a plain line it would look like a lost connection, and the client would come back
        return [Quit(following.removeprefix(":"))]
    return [Line(rest)]


# No line of /help is wider than 80 columns: a text here has at most 44 characters.
COMMANDS: tuple[Command, ...] = (
    Command("help", "[COMMAND]", "list the commands, or explain one", _help, "command", ("h", "?")),
    Command("join", "CHANNEL [KEY]", "join a channel, or switch to it", _join, "channel", ("j",)),
    Command("part", "[CHANNEL] [REASON]", "leave a channel", _part, "channel", ("leave",)),
    Command("close", "", "leave the channel or conversation in front", _close),
    Command("msg", "NAME TEXT", "send a message to a nick or a channel", _msg, "both", ("m",)),
    Command("query", "NAME [TEXT]", "send what you type to NAME from now on", _query, "both", ("q",)),
    Command("me", "TEXT", "say what you are doing", _me),
    Command("names", "[CHANNEL]", "list the users in a channel", _names, "channel"),
    Command("who", "[CHANNEL|NAME]", "list users with host and real name", _who, "both"),
    Command("whois", "NAME", "show what the server knows about a user", _whois, "nick"),
    Command("list", "", "list the channels", _list),
    Command(
        "search", "[OPTIONS] WORDS", "find past messages, by nick, channel or day", _search, "search", ("s",), HELP
    ),
    Command("topic", "[CHANNEL] [TEXT|-]", "show, set or (with -) clear the topic", _topic, "channel"),
    Command("nick", "NAME", "change your nick", _nick),
    Command("away", "[TEXT]", "mark yourself away; /away alone also ends it", _away),
    Command("back", "", "end being away", lambda context, rest: [Line("AWAY")]),
    Command("register", "", "register your nick with a password", lambda context, rest: [Register()]),
    Command("invite", "NAME [CHANNEL]", "invite a user to a channel", _invite, "nick"),
    Command("mode", "[CHANNEL] [MODES]", "show or change the modes of a channel", _mode, "both"),
    Command("kick", "[CHANNEL] NAME [REASON]", "remove a user from a channel or the server", _kick, "both"),
    Command("ban", "[--ip] NAME [TIME] [REASON]", "ban for TIME (12h, 7d) or permanently", _ban, "nick", (), _BAN_HELP),
    Command("unban", "NAME|ADDRESS|NUMBER", "lift a ban", _unban, "nick"),
    Command("bans", "", "list the bans in force", _bans),
    Command("raw", "LINE", "send a line of IRC unchanged", _raw, aliases=("quote",)),
    Command("quit", "[REASON]", "leave the chat", lambda context, rest: [Quit(rest)], aliases=("exit",)),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
