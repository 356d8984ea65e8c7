"""The slash commands: what each typed line asks the session to do. No input or output."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chatroom.client.actions import (
    Action,
    Clear,
    Configure,
    Context,
    Ignore,
    Join,
    Leave,
    Line,
    LogIn,
    OfServers,
    Print,
    Quit,
    Reconnect,
    Register,
    Say,
    Turn,
)
from chatroom.client.chat_events import SaidKind
from chatroom.client.command_words import Misused, channel_first, line, words_of, wrong
from chatroom.client.message_commands import REACT_HELP, REDACT_HELP, REPLY_HELP, edit, react, redact, reply
from chatroom.client.moderating import (
    BAN_HELP,
    KICK_HELP,
    LOCKDOWN_HELP,
    UNBAN_HELP,
    audit,
    ban,
    bans,
    change_standing,
    invite_link,
    kick,
    lockdown,
    unban,
)
from chatroom.client.search_queries import CAPABILITY, HELP, question

Handler = Callable[[Context, str], list[Action]]


class Command(NamedTuple):
    """One slash command."""

    name: str
    usage: str
    """The parameters, as /help shows them."""
    help: str
    handler: Handler
    takes: str = ""
    """What Tab completes in the parameters: ``nick``, ``channel``, ``both``, ``command``, ``search``, ``setting`` or
    nothing."""
    aliases: tuple[str, ...] = ()
    more: str = ""
    """Further lines of ``/help NAME``."""


def interpret(text: str, context: Context) -> list[Action]:
    """Return the actions that one typed line asks for. ``//`` at its start sends a text that begins with ``/``."""
    if not text.strip():
        return []
    if not text.startswith("/") or text.startswith("//"):
        return say(text[1:] if text.startswith("//") else text, context)
    name, _, rest = text[1:].partition(" ")
    command = find_command(name)
    if command is None:
        return [wrong(f"There is no command /{name}. /help lists them; //{name} sends it as text.")]
    try:
        return command.handler(context, rest.strip(" \t"))  # formatting codes are blanks for ``strip()``
    except Misused as misused:
        usage = f"Usage: /{command.name} {command.usage}".rstrip()
        return [wrong(f"{misused} {usage}".lstrip())]


def say(text: str, context: Context, kind: SaidKind = "message") -> list[Action]:
    """Return the action that sends ``text`` to the target, or a refusal if there is none."""
    if context.target is None:
        return [wrong("You are in no channel, so nothing was sent. Use /join #channel or /query NAME first.")]
    return [Say(context.target, text, kind)]


def find_command(name: str) -> Command | None:
    """Return the command of this name or alias, in any case; None if there is none."""
    return _BY_NAME.get(name.lower())


def _help(context: Context, rest: str) -> list[Action]:
    if not rest:
        import textwrap  # a script that pipes a line need not wait for it

        lines = ["What you type is said in the place that the prompt names. Commands, by topic:"]
        for topic in TOPICS:
            names = " ".join(f"/{command.name}" for command in TOPICS[topic])
            lines += textwrap.wrap(
                names, 80, initial_indent=f"  {topic:<10} ", subsequent_indent=" " * 13, break_on_hyphens=False
            )
        lines.append("/help TOPIC explains them, /help COMMAND one of them, /help all everything.")
        lines.append("Tab completes nicks, channels and commands. To send /text, type //text.")
        return [Print("\n".join(lines))]
    name = rest.removeprefix("/").partition(" ")[0]
    command = find_command(name)
    if name.lower() in TOPICS or name.lower() == "all":
        commands = TOPICS.get(name.lower(), COMMANDS)
        shown = [(f"/{command.name} {command.usage}".rstrip(), command.help) for command in commands]
        width = max(len(usage) for usage, _ in shown)
        return [Print("\n".join(f"  {usage:<{width}}  {text}" for usage, text in shown))]
    if command is None:
        return [wrong(f"There is no command /{name}. /help lists them.")]
    also = f" (also /{', /'.join(command.aliases)})" if command.aliases else ""
    more = f"\n{command.more}" if command.more else ""
    return [Print(f"/{command.name} {command.usage}".rstrip() + f": {command.help}{also}{more}")]


def _join(context: Context, rest: str) -> list[Action]:
    words = words_of(rest, 1)
    channel = words[0]
    if not context.state.is_channel(channel):
        channel = (context.state.features.channel_types[:1] or "#") + channel
    return [Join(channel, words[1] if len(words) > 1 else "")]


def _part(context: Context, rest: str) -> list[Action]:
    if not rest:
        return _close(context, "")
    channel, reason = channel_first(context, rest)
    return [Leave(channel, reason)]


def _close(context: Context, rest: str) -> list[Action]:
    if context.target is None:
        return [wrong("You are in no channel. /quit leaves the chat.")]
    return [Leave(context.target)]


def _msg(context: Context, rest: str) -> list[Action]:
    target, _, text = rest.partition(" ")
    if not text.strip():
        raise Misused
    return [Say(target, text.strip(" "))]


def _query(context: Context, rest: str) -> list[Action]:
    target, _, text = rest.partition(" ")
    if not target:
        raise Misused
    return [Turn(target), *([Say(target, text.strip(" "))] if text.strip() else [])]


def _buffer(context: Context, rest: str) -> list[Action]:
    name = words_of(rest, 1)[0]
    if name.isdecimal():
        return [wrong(f"There is no place {name}. Only the full screen numbers them.")]
    return [Turn(name)]


def _me(context: Context, rest: str) -> list[Action]:
    if not rest:
        raise Misused
    return say(rest, context, "action")


def _topic(context: Context, rest: str) -> list[Action]:
    channel, topic = channel_first(context, rest)
    return [Line(f"TOPIC {channel} :") if topic == "-" else line("TOPIC", channel, trailing=topic)]


def _who(context: Context, rest: str) -> list[Action]:
    if not rest:
        rest, _ = channel_first(context, "")
    return [line("WHO", rest.split()[0])]


def _names(context: Context, rest: str) -> list[Action]:
    channel, _ = channel_first(context, rest)
    return [line("NAMES", channel)]


def _rename(context: Context, rest: str) -> list[Action]:
    first, _, more = rest.partition(" ")
    second = more.partition(" ")[0]
    is_named = context.state.is_channel(first) and context.state.is_channel(second)
    old, rest = (first, more) if is_named else (context.target or "", rest)
    new, _, reason = rest.partition(" ")
    if not context.state.is_channel(old) or not new:
        raise Misused
    return [line("RENAME", old, new, trailing=reason.strip())]


def _list(context: Context, rest: str) -> list[Action]:
    return [line("LIST", *rest.split()[:1])]


def _search(context: Context, rest: str) -> list[Action]:
    if not context.state.caps.issuperset((CAPABILITY, "batch")):
        return [wrong("This server cannot search past messages.")]
    try:
        return [line("SEARCH", question(rest, context.target))]
    except ValueError as error:
        raise Misused(str(error)) from None


def _nick(context: Context, rest: str) -> list[Action]:
    if len(words_of(rest, 1)) > 1:
        raise Misused(f"A nick is one word, so {rest!r} cannot be yours.")
    return [line("NICK", rest)]


def _away(context: Context, rest: str) -> list[Action]:
    if not rest and not context.state.away:
        rest = "away"  # AWAY without a text would mean to be back
    return [line("AWAY", trailing=rest)]


def _whois(context: Context, rest: str) -> list[Action]:
    if not rest and context.target is not None and not context.state.is_channel(context.target):
        rest = context.target
    return [line("WHOIS", words_of(rest, 1)[0])]


def _login(context: Context, rest: str) -> list[Action]:
    if len(rest.split()) > 1:
        raise Misused("The password is asked for, so that nobody reads it.")
    if "sasl" not in context.state.caps:
        return [wrong("This server takes no login in the chat. Start chatroom with --account NAME.")]
    return [LogIn(rest or context.state.nick)]


def _register(context: Context, rest: str) -> list[Action]:
    if len(rest.split()) > 1:
        raise Misused("The password is asked for, so that nobody reads it.")
    return [Register(rest)]


def _invite(context: Context, rest: str) -> list[Action]:
    words = words_of(rest, 1)
    channel, _ = channel_first(context, " ".join(words[1:]))
    return [line("INVITE", words[0], channel)]


def _mode(context: Context, rest: str) -> list[Action]:
    first = rest.partition(" ")[0]
    if first and context.state.is_me(first):
        return [line("MODE", rest)]
    channel, modes = channel_first(context, rest)
    return [line("MODE", channel, *modes.split())]


def _raw(context: Context, rest: str) -> list[Action]:
    if not rest:
        raise Misused
    verb, _, following = rest.partition(" ")
    if verb.upper() == "QUIT":  # as a plain line it would look like a lost connection, and the client would come back
        return [Quit(following.removeprefix(":"))]
    return [Line(rest)]


def _connect(context: Context, rest: str) -> list[Action]:
    return [OfServers("connect", words_of(rest, 1)[0])]


def _unset(context: Context, rest: str) -> list[Action]:
    words_of(rest, 1)
    return [Configure(rest, reset=True)]


# No line of /help is wider than 80 columns: a text here has at most 41 characters.
TOPICS: dict[str, tuple[Command, ...]] = {
    "talk": (
        Command("msg", "NAME TEXT", "send a message to a nick or a channel", _msg, "both", ("m",)),
        Command("query", "NAME [TEXT]", "send what you type to NAME from now on", _query, "both", ("q",)),
        Command("me", "TEXT", "say what you are doing", _me),
        Command("reply", "[NAME] TEXT", "answer the last message", reply, "nick", (), REPLY_HELP),
        Command("react", "[NAME] :)", "react to the last message", react, "nick", (), REACT_HELP),
        Command("edit", "TEXT", "say your last message differently", edit),
        Command("redact", "[NAME] [REASON]", "delete a message", redact, "nick", ("delete",), REDACT_HELP),
        Command("search", "[OPTIONS] WORDS", "find messages, by nick, channel or day", _search, "search", ("s",), HELP),
    ),
    "rooms": (
        Command("join", "CHANNEL [KEY]", "join a channel, or switch to it", _join, "channel", ("j",)),
        Command("part", "[CHANNEL] [REASON]", "leave a channel", _part, "channel", ("leave",)),
        Command("buffer", "NAME|NUMBER", "turn to a place that is open", _buffer, "both", ("b",)),
        Command("close", "", "leave the place in front", _close),
        Command("names", "[CHANNEL]", "list the users in a channel", _names, "channel"),
        Command("list", "", "list the channels", _list),
        Command("topic", "[CHANNEL] [TEXT|-]", "show, set or (with -) clear the topic", _topic, "channel"),
        Command("rename", "[CHANNEL] NEW [REASON]", "give the channel another name", _rename, "channel"),
        Command("invite", "NAME [CHANNEL]", "invite a user to a channel", _invite, "nick"),
        Command("mode", "[CHANNEL] [MODES]", "show or change the modes of a channel", _mode, "both"),
    ),
    "people": (
        Command("who", "[CHANNEL|NAME]", "list users with host and real name", _who, "both"),
        Command("whois", "NAME", "show what the server knows about a user", _whois, "nick"),
    ),
    "you": (
        Command("nick", "NAME", "change your nick", _nick),
        Command("away", "[TEXT]", "be away; /away alone also ends it", _away),
        Command("back", "", "end being away", lambda context, rest: [Line("AWAY")]),
        Command("login", "[ACCOUNT]", "log in; asks for the password", _login),
        Command("ignore", "[NAME]", "stop reading NAME, or read NAME again", lambda c, rest: [Ignore(rest)], "nick"),
        Command("register", "[TOKEN]", "register your nick; TOKEN is an invite's", _register),
    ),
    "moderate": (
        Command("op", "[CHANNEL] NAME...", "make users operators of a channel", change_standing("+o"), "nick"),
        Command("deop", "[CHANNEL] NAME...", "take +o away again", change_standing("-o"), "nick"),
        Command("voice", "[CHANNEL] NAME...", "let users speak in a moderated channel", change_standing("+v"), "nick"),
        Command("devoice", "[CHANNEL] NAME...", "take +v away again", change_standing("-v"), "nick"),
        Command("kick", "[CHANNEL] NAME [REASON]", "remove a user from a channel", kick, "both", (), KICK_HELP),
        Command("ban", "[CHANNEL] NAME [TIME] [REASON]", "keep a user out of a channel", ban, "both", (), BAN_HELP),
        Command("unban", "[CHANNEL] NAME", "lift a ban", unban, "both", (), UNBAN_HELP),
        Command("bans", "[CHANNEL]", "list the bans in force", bans, "channel"),
        Command("audit", "[COUNT]", "list who did what to whom on the server", audit),
        Command("lockdown", "[STATE] [TIME]", "keep new users off the server", lockdown, "", (), LOCKDOWN_HELP),
        Command("invite-link", "[CHANNEL] [USES] [TIME]", "make a link to register by", invite_link, "channel"),
    ),
    "servers": (
        Command("connect", "HOST|NAME", "connect to one more server", _connect),
        Command("disconnect", "[NAME]", "leave a server", lambda c, rest: [OfServers("disconnect", rest)]),
        Command("server", "[NAME]", "list your servers, or turn to one", lambda c, rest: [OfServers("turn", rest)]),
        Command("reconnect", "", "connect again now", lambda context, rest: [Reconnect()]),
    ),
    "program": (
        Command("help", "[COMMAND]", "list the commands, or explain one", _help, "command", ("h", "?")),
        Command("clear", "", "clear the screen", lambda context, rest: [Clear()]),
        Command("set", "[KEY [VALUE]]", "show or change the settings", lambda c, rest: [Configure(rest)], "setting"),
        Command("unset", "KEY", "give a setting its default back", _unset, "setting"),
        Command("raw", "LINE", "send a line of IRC unchanged", _raw, aliases=("quote",)),
        Command("quit", "[REASON]", "leave the chat", lambda context, rest: [Quit(rest)], aliases=("exit",)),
    ),
}
"""The commands, by the topics of /help."""

COMMANDS: tuple[Command, ...] = tuple(command for commands in TOPICS.values() for command in commands)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
