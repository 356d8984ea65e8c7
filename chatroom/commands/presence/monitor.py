"""MONITOR: a list of nicks whose connecting and leaving the session wants to know.

Source: IRCv3 Monitor and extended-monitor.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.long_answers import Steps, in_pieces
from chatroom.commands.pending import Pending
from chatroom.commands.presence.metadata_push import show_monitored_metadata
from chatroom.irc import numerics
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.limits import MONITORED_NICKS
from chatroom.irc.names import is_nick
from chatroom.irc.packing import pack_words


@command("MONITOR", "<subcommand> [<nicks>]")
def monitor(context: Context, params: list[str]) -> Pending | None:
    """Notifies you when the nicks on your list connect or leave.

    MONITOR + <nicks>: add nicks to your list, separated by commas
    MONITOR - <nicks>: remove nicks
    MONITOR C: clear the list
    MONITOR L: show the list
    MONITOR S: show which of the nicks are connected
    """
    monitors, session = context.world.monitors, context.session
    subcommand = params[0].upper()
    nicks = [nick for nick in params[1].split(",") if nick] if len(params) > 1 else []
    if subcommand in ("+", "-") and not nicks:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "MONITOR")
    elif subcommand == "+":
        return in_pieces(context, _add(context, nicks))
    elif subcommand == "-":
        for nick in nicks:
            monitors.discard(session, nick)
    elif subcommand == "C":
        monitors.clear(session)
    elif subcommand == "L":
        context.reply_words(numerics.RPL_MONLIST, words=monitors.nicks(session), separator=",")
        context.reply(numerics.RPL_ENDOFMONLIST)  # the specification ends only this list, not the answer to S
    elif subcommand == "S":
        return in_pieces(context, _tell_status(context, monitors.nicks(session)))
    else:
        text = "Unknown MONITOR subcommand: it is +, -, C, L or S"
        context.reply(numerics.ERR_UNKNOWNERROR, "MONITOR", printable(params[0]), text=text)
    return None


def _add(context: Context, nicks: list[str]) -> Steps:
    """Add as many nicks as there is room for. An invalid nick is ignored: no user will ever have it."""
    monitors, session = context.world.monitors, context.session
    room = MONITORED_NICKS - len(monitors.nicks(session))
    added: list[str] = []
    refused: list[str] = []
    for nick in nicks:
        if not is_nick(nick) or monitors.has(session, nick):
            continue
        if len(added) < room:
            monitors.add(session, nick)
            added.append(nick)
        else:
            refused.append(nick)
    yield from _tell_status(context, added)
    if refused:
        head = f":{context.server} {numerics.ERR_MONLISTFULL.code} {context.nick} {MONITORED_NICKS} "
        room = LINE_BYTES - len(f"{head} :{numerics.ERR_MONLISTFULL.text}".encode())
        for nicks_of_line in pack_words(refused, ",", room):
            context.reply(numerics.ERR_MONLISTFULL, str(MONITORED_NICKS), nicks_of_line)


def _tell_status(context: Context, nicks: Iterable[str]) -> Steps:
    """Tell which of the nicks are connected, and which are not; then, user by user, what the session subscribed to."""
    online, offline = [], []
    for nick in nicks:
        user = context.world.find_shown(nick)
        if user is not None:
            online.append(user)
        else:
            offline.append(nick)
    context.reply_words(numerics.RPL_MONONLINE, words=[user.prefix for user in online], separator=",")
    context.reply_words(numerics.RPL_MONOFFLINE, words=offline, separator=",")
    yield from show_monitored_metadata(context, online)
