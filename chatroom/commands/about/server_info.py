"""Queries about the server: ISUPPORT, MOTD, VERSION, TIME, INFO, ADMIN and STATS.

Source: Modern IRC Client Protocol, "Server Queries and Commands" and "RPL_ISUPPORT Parameters".
"""

from __future__ import annotations

from datetime import UTC, datetime

from chatroom import __version__
from chatroom.chat.people import ban_masks
from chatroom.chat.people.channel import CHANNEL_KINDS
from chatroom.chat.stored.records import Account, Role
from chatroom.commands.about.network import is_addressed
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import caps, numerics
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.limits import (
    ACCEPTED_USERS,
    AWAY_BYTES,
    CHANNEL_BYTES,
    HOST_BYTES,
    KEY_BYTES,
    KICK_BYTES,
    LIST_ENTRIES,
    LIST_TARGETS,
    MESSAGE_TARGETS,
    MODE_CHANGES,
    MONITORED_NICKS,
    NAMES_TARGETS,
    NICK_BYTES,
    REALNAME_BYTES,
    TOPIC_BYTES,
    USERNAME_BYTES,
    WHOIS_TARGETS,
)
from chatroom.irc.packing import pack_words

_TOKENS_A_LINE = 13  # "RPL_ISUPPORT (005)": a line has at most 13 tokens
_PRIVILEGED_STATS = "o"
"""Letters of STATS that only moderators and admins may use."""
USER_MODES = "BRTiow"
SOFTWARE = f"chatroom-{__version__}"


def _targmax() -> str:
    """The value of TARGMAX: each verb with its greatest number of targets. No number means as many as fit in a line."""
    most = dict.fromkeys(("NOTICE", "PRIVMSG", "TAGMSG"), MESSAGE_TARGETS)
    most |= {"LIST": LIST_TARGETS, "NAMES": NAMES_TARGETS, "WHOIS": WHOIS_TARGETS}
    unbounded = ("JOIN", "KICK", "MONITOR", "PART")
    return ",".join(f"{verb}:{most.get(verb, '')}" for verb in sorted((*most, *unbounded)))


def isupport(context: Context) -> list[str]:
    """The ISUPPORT tokens under the settings in force."""
    settings = context.world.settings
    most_entries = settings.history.max_query
    of_history = [f"CHATHISTORY={most_entries}", "MSGREFTYPES=msgid,timestamp"] if settings.history.enabled else []
    return [
        "ACCOUNTEXTBAN=a",
        f"ACCEPT={ACCEPTED_USERS}",
        f"AWAYLEN={AWAY_BYTES}",
        "BOT=B",
        "CASEMAPPING=ascii",
        f"CHANLIMIT=#:{settings.channels.max_joined}",
        f"CHANMODES={CHANNEL_KINDS.chanmodes}",
        f"CHANNELLEN={CHANNEL_BYTES}",
        "CHANTYPES=#",
        "ELIST=CMNTU",
        "EXCEPTS=e",
        f"EXTBAN=~,{ban_masks.TYPES}",
        "FORWARD=f",
        f"HOSTLEN={HOST_BYTES}",
        "INVEX=I",
        f"KEYLEN={KEY_BYTES}",
        f"KICKLEN={KICK_BYTES}",
        "KNOCK",
        f"MAXLIST=Ibe:{LIST_ENTRIES}",
        f"MAXTARGETS={MESSAGE_TARGETS}",
        f"MODES={MODE_CHANGES}",
        f"MONITOR={MONITORED_NICKS}",
        f"NAMELEN={REALNAME_BYTES}",
        f"NETWORK={settings.server.network}",
        f"NICKLEN={NICK_BYTES}",
        "PREFIX=(ov)@+",
        "SAFELIST",
        "STATUSMSG=@+",
        f"TARGMAX={_targmax()}",
        f"TOPICLEN={TOPIC_BYTES}",
        f"USERLEN={USERNAME_BYTES}",
        "UTF8ONLY",
        "WHOX",
        *of_history,
    ]


def reply_isupport(context: Context) -> None:
    """Send the ISUPPORT tokens, in a batch if the client negotiated that (IRCv3 draft/extended-isupport)."""
    tokens = isupport(context)
    room = LINE_BYTES - len(f":{context.server} 005  :{numerics.RPL_ISUPPORT.text} ".encode()) - NICK_BYTES
    with context.batch("draft/isupport" if context.session.caps & caps.EXTENDED_ISUPPORT else ""):
        for start in range(0, len(tokens), _TOKENS_A_LINE):
            # A line of so many tokens is too long only behind the longest names. No token has a space.
            for line in pack_words(tokens[start : start + _TOKENS_A_LINE], " ", room):
                context.reply(numerics.RPL_ISUPPORT, line)


@command("ISUPPORT", early=caps.EXTENDED_ISUPPORT)
def isupport_(context: Context, params: list[str]) -> Pending | None:
    """Shows what the server supports, as 005 lines."""
    reply_isupport(context)
    return None


@command("MOTD", "[<server>]")
def motd(context: Context, params: list[str]) -> Pending | None:
    """Shows the message of the day."""
    server = context.world.settings.server
    if not is_addressed(context, params):
        return None
    if not server.motd:
        context.reply(numerics.ERR_NOMOTD)
    else:
        context.reply(numerics.RPL_MOTDSTART, text=f"- {server.name} Message of the day -")
        for line in server.motd.rstrip("\n").split("\n"):
            context.reply_text(numerics.RPL_MOTD, text=f"- {line}")
        context.reply(numerics.RPL_ENDOFMOTD)
    return None


def _made_of(context: Context) -> str:
    settings = context.world.settings
    database = "SQLite" if settings.database.url is None else "PostgreSQL"
    return f"threads, {database}{'' if settings.cluster.redis is None else ', Redis'} and IRC"


@command("VERSION", "[<server>]")
def version(context: Context, params: list[str]) -> Pending | None:
    """Shows the version of the server and what it supports."""
    if not is_addressed(context, params):
        return None
    context.reply(numerics.RPL_VERSION, SOFTWARE, context.server, text=_made_of(context))
    reply_isupport(context)
    return None


@command("TIME", "[<server>]")
def time(context: Context, params: list[str]) -> Pending | None:
    """Shows the time of the server."""
    if not is_addressed(context, params):
        return None
    # The time of the tick, like all times that clients see.
    now = datetime.fromtimestamp(context.world.wall_ms / 1000, UTC)
    context.reply(numerics.RPL_TIME, context.server, text=f"{now:%A %d %B %Y %H:%M:%S} UTC")
    return None


@command("INFO", "[<server>]")
def info(context: Context, params: list[str]) -> Pending | None:
    """Shows the software of the server and since when it runs."""
    if not is_addressed(context, params):
        return None
    started = datetime.fromtimestamp(context.world.start_wall_ms / 1000, UTC)
    context.reply(numerics.RPL_INFO, text=f"{SOFTWARE}, a chat daemon in Python: {_made_of(context)}")
    context.reply(numerics.RPL_INFO, text=f"Running since {started:%Y-%m-%d %H:%M:%S} UTC")
    context.reply(numerics.RPL_ENDOFINFO)
    return None


@command("ADMIN", "[<server>]")
def admin(context: Context, params: list[str]) -> Pending | None:
    """Shows how to contact the operator of the server."""
    server = context.world.settings.server
    if is_addressed(context, params):
        context.reply(numerics.RPL_ADMINME, server.name)
        context.reply(numerics.RPL_ADMINLOC1, text=server.network)
        context.reply(numerics.RPL_ADMINLOC2, text=server.description)
        context.reply_text(numerics.RPL_ADMINEMAIL, text=server.admin_info or "No contact is configured")
    return None


@command("STATS", "<query> [<server>]")
def stats(context: Context, params: list[str]) -> Pending | None:
    """Shows figures of the server, by letter:

    STATS u: how long the server has been running
    STATS p: the operators that are connected
    STATS o: the accounts of operators (for moderators and admins)
    """
    query = params[0][:1]
    if not query:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "STATS")
        return None
    if not is_addressed(context, params[1:]):
        return None
    # Accounts that are not connected are in the store only.
    if query == "o" and context.role >= Role.MODERATOR:
        return Pending("store", lambda stores: stores.accounts.list_all(), _tell_operators, reads=True)
    if query == "u":
        minutes, seconds = divmod((context.world.mono_ms - context.world.start_mono_ms) // 1000, 60)
        hours, minutes = divmod(minutes, 60)
        text = f"Server Up {hours // 24} days {hours % 24}:{minutes:02d}:{seconds:02d}"
        context.reply(numerics.RPL_STATSUPTIME, text=text)
    elif query == "p":
        for user in context.world.online.operators:
            context.reply(numerics.RPL_STATSDEBUG, query, text=f"{user.nick} ({user.role.word})")
    elif query in _PRIVILEGED_STATS:
        context.reply(numerics.ERR_NOPRIVILEGES)
    context.reply(numerics.RPL_ENDOFSTATS, printable(query))
    return None


def _tell_operators(context: Context, accounts: list[Account]) -> None:
    for account in accounts:
        if account.role >= Role.MODERATOR and not account.disabled:
            context.reply(numerics.RPL_STATSOLINE, "O", "*", "*", account.name, account.role.word)
    context.reply(numerics.RPL_ENDOFSTATS, "o")
