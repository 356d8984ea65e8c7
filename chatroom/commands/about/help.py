"""HELP: what each verb does, from the command table.

Source: Modern IRC Client Protocol, "HELP message".
"""

from __future__ import annotations

from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS, Command, When, command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import numerics

_VERBS_A_LINE = 10  # about one line of a terminal


@command("HELP", "[<command>]")
def help_(context: Context, params: list[str]) -> Pending | None:
    """Lists the commands, or explains one."""
    subject = params[0] if params else ""
    known = COMMANDS.get(subject.upper())
    if not subject:
        _reply(context, "*", "Commands. HELP <command> explains one", _all_verbs())
    elif known is None or known.when is When.CONTROL:
        context.reply(numerics.ERR_HELPNOTFOUND, printable(subject))
    else:
        _reply(context, subject, f"{known.verb} {known.params}".rstrip(), _lines_about(known))
    return None


@command("HELPOP", "[<command>]")
def helpop(context: Context, params: list[str]) -> Pending | None:
    """Does the same as HELP."""
    return help_(context, params)


def _all_verbs() -> list[str]:
    verbs = sorted(verb for verb, known in COMMANDS.items() if known.when is not When.CONTROL)
    return [" ".join(verbs[start : start + _VERBS_A_LINE]) for start in range(0, len(verbs), _VERBS_A_LINE)]


def _lines_about(known: Command) -> list[str]:
    lines = [known.summary, *known.details]
    if known.role is not None:
        lines.append("For admins." if known.role is Role.ADMIN else "For moderators and admins.")
    return lines


def _reply(context: Context, subject: str, title: str, lines: list[str]) -> None:
    context.reply(numerics.RPL_HELPSTART, subject, text=title)
    # Other servers send an empty line below the title too.
    for line in ["", *lines]:
        context.reply(numerics.RPL_HELPTXT, subject, text=line)
    context.reply(numerics.RPL_ENDOFHELP, subject, text="End of HELP")
