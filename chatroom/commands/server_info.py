"""What the server says of itself.

Source: Modern IRC Client Protocol, "Server Queries and Commands" and "RPL_ISUPPORT Parameters".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom import __version__
from chatroom.chat.channel import FLAG_MODES
from chatroom.chat.records import Role
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.commands.table import COMMANDS, Command, When, command
from chatroom.irc import numerics
from chatroom.irc.names import CHANNEL_LENGTH, NICK_LENGTH

if TYPE_CHECKING:
    from chatroom.config import Settings

_TOKENS_A_LINE = 13
SOFTWARE = f"chatroom-{__version__}"


def isupport(context: Context) -> list[str]:
    """The ISUPPORT tokens, all of them true."""
    settings = context.world.settings
    return [
        "AWAYLEN=200",
        "CASEMAPPING=ascii",
        f"CHANLIMIT=#:{settings.channels.max_joined}",
        f"CHANMODES=Ibe,k,l,{FLAG_MODES}",
        f"CHANNELLEN={CHANNEL_LENGTH}",
        "CHANTYPES=#",
        "EXCEPTS=e",
        "INVEX=I",
        "KEYLEN=32",
        "KICKLEN=255",
        "MAXLIST=Ibe:100",
        "MAXTARGETS=4",
        "MODES=20",
        "NAMELEN=150",
        f"NETWORK={settings.server.network}",
        f"NICKLEN={NICK_LENGTH}",
        "PREFIX=(ov)@+",
        "TARGMAX=JOIN:,KICK:,NAMES:,NOTICE:4,PART:,PRIVMSG:4,TAGMSG:4,WHOIS:1",
        "TOPICLEN=390",
        "USERLEN=18",
        "UTF8ONLY",
    ]


def welcome_lines(context: Context) -> None:
    """The numerics every client waits for: 001 to 005."""
    server = context.world.settings.server
    created = datetime.fromtimestamp(context.world.start_ms / 1000, UTC)
    context.reply(numerics.RPL_WELCOME, text=f"Welcome to the {server.network} chat, {context.user.prefix}")
    context.reply(numerics.RPL_YOURHOST, text=f"Your host is {server.name}, running {SOFTWARE}")
    context.reply(numerics.RPL_CREATED, text=f"This server was started {created:%Y-%m-%d at %H:%M:%S} UTC")
    context.reply(numerics.RPL_MYINFO, server.name, SOFTWARE, "iow", "Ibeiklmnostv", "Ibeklov")
    tokens = isupport(context)
    for start in range(0, len(tokens), _TOKENS_A_LINE):
        context.reply(numerics.RPL_ISUPPORT, *tokens[start : start + _TOKENS_A_LINE])


@command("MOTD", "[<server>]")
def motd(context: Context, params: list[str]) -> Pending | None:
    """Shows the message of the day."""
    server = context.world.settings.server
    if params and params[0] != server.name:
        context.reply(numerics.ERR_NOSUCHSERVER, printable(params[0]))
    elif not server.motd:
        context.reply(numerics.ERR_NOMOTD)
    else:
        context.reply(numerics.RPL_MOTDSTART, text=f"- {server.name} Message of the day -")
        for line in server.motd.rstrip("\n").split("\n"):
            context.reply(numerics.RPL_MOTD, text=f"- {line}")
        context.reply(numerics.RPL_ENDOFMOTD)
    return None


@command("LUSERS")
def lusers(context: Context, params: list[str]) -> Pending | None:
    """Counts who is here."""
    world = context.world
    total, invisible = len(world.users), world.invisible
    context.reply(
        numerics.RPL_LUSERCLIENT, text=f"There are {total - invisible} users and {invisible} invisible on 1 servers"
    )
    context.reply(numerics.RPL_LUSEROP, str(len(world.operators)))
    context.reply(numerics.RPL_LUSERUNKNOWN, str(world.unregistered))
    context.reply(numerics.RPL_LUSERCHANNELS, str(len(world.channels)))
    context.reply(numerics.RPL_LUSERME, text=f"I have {total} clients and 0 servers")
    most = str(world.most_users)
    text = f"Current local users {total}, max {most}"
    context.reply(numerics.RPL_LOCALUSERS, str(total), most, text=text)
    text = f"Current global users {total}, max {most}"
    context.reply(numerics.RPL_GLOBALUSERS, str(total), most, text=text)
    return None


@command("VERSION", "[<server>]")
def version(context: Context, params: list[str]) -> Pending | None:
    """Tells the server's software and what it supports."""
    context.reply(numerics.RPL_VERSION, SOFTWARE, context.server, text="threads, SQLite and IRC")
    tokens = isupport(context)
    for start in range(0, len(tokens), _TOKENS_A_LINE):
        context.reply(numerics.RPL_ISUPPORT, *tokens[start : start + _TOKENS_A_LINE])
    return None


@command("TIME", "[<server>]")
def time(context: Context, params: list[str]) -> Pending | None:
    """Tells the server's time."""
    now = datetime.fromtimestamp(context.world.now_ms / 1000, UTC)
    context.reply(numerics.RPL_TIME, context.server, text=f"{now:%A %d %B %Y %H:%M:%S} UTC")
    return None


@command("INFO", "[<server>]")
def info(context: Context, params: list[str]) -> Pending | None:
    """Tells about the software."""
    started = datetime.fromtimestamp(context.world.start_ms / 1000, UTC)
    context.reply(numerics.RPL_INFO, text=f"{SOFTWARE}, a chat daemon in Python: threads, SQLite and IRC")
    context.reply(numerics.RPL_INFO, text=f"Running since {started:%Y-%m-%d %H:%M:%S} UTC")
    context.reply(numerics.RPL_ENDOFINFO)
    return None


@command("HELP", "[<command>]")
def help_(context: Context, params: list[str]) -> Pending | None:
    """Lists the commands, or tells about one."""
    subject = params[0].upper() if params and params[0] else ""
    if not subject:
        verbs = sorted(verb for verb, known in COMMANDS.items() if known.when is not When.CONTROL)
        context.reply(numerics.RPL_HELPSTART, "*", text="Commands; HELP <command> tells about one:")
        for start in range(0, len(verbs), 10):
            context.reply(numerics.RPL_HELPTXT, "*", text=" ".join(verbs[start : start + 10]))
        context.reply(numerics.RPL_ENDOFHELP, "*", text="End of HELP")
        return None
    known = COMMANDS.get(subject)
    if known is None or known.when is When.CONTROL:
        context.reply(numerics.ERR_HELPNOTFOUND, printable(params[0]))
    else:
        _help_about(context, known)
    return None


def _help_about(context: Context, known: Command) -> None:
    context.reply(numerics.RPL_HELPSTART, known.verb, text=f"{known.verb} {known.params}".rstrip())
    for line in filter(None, known.help.split("\n")):
        context.reply(numerics.RPL_HELPTXT, known.verb, text=line)
    if known.role is not None:
        needs = "admins" if known.role is Role.ADMIN else "moderators and admins"
        context.reply(numerics.RPL_HELPTXT, known.verb, text=f"For {needs}.")
    context.reply(numerics.RPL_ENDOFHELP, known.verb, text="End of HELP")


@command("REHASH", role=Role.ADMIN, control=True)
def rehash(context: Context, params: list[str]) -> Pending | None:
    """Reads the configuration again."""
    load = context.world.load_settings

    def then(context: Context, settings: Settings) -> None:
        context.note("DONE", text=context.world.use_settings(settings))

    context.reply(numerics.RPL_REHASHING, printable(str(context.world.settings.source or "chatroom.toml")))
    return Pending("store", lambda stores: load(), then)
