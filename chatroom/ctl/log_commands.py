"""``chatroomctl log``: the levels of the running daemon's log."""

from __future__ import annotations

import click

from chatroom.chat.log_levels import AREAS, EVERY_AREA
from chatroom.chat.log_line import Level
from chatroom.ctl.control_client import request
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, print_json, print_table
from chatroom.ctl.subcommands import Subcommands


@click.group("log", cls=Subcommands)
def log() -> None:
    """Show and change what the running daemon writes to its log.

    \b
    Example:
      chatroomctl log level
    """


@log.command("level")
@click.argument("area", required=False, type=click.Choice([*AREAS, EVERY_AREA]))
@click.argument("level", required=False, type=click.Choice([one.word for one in Level]))
@json_option
@pass_invocation
def level_(invocation: Invocation, area: str | None, level: str | None, as_json: bool) -> None:
    """List the levels of the log, or set the LEVEL of one AREA, or of all.

    An area is a part of the program: connecting has logins and refusals, operating what operators do, server the
    threads, sockets and files. LEVEL is error, warning or info. A restart of the daemon sets all areas to log.level
    again, and so does a reload after a change of it.

    \b
    Examples:
      chatroomctl log level
      chatroomctl log level connecting warning
      chatroomctl log level all info
    """
    answers = request(invocation, "LOGLEVEL", *(word for word in (area, level) if word is not None))
    found = [message.params[1:] for message in answers if message.verb == "NOTE" and len(message.params) == 3]
    if as_json:
        print_json([{"area": name, "level": word} for name, word in found])
    else:
        print_table(("AREA", "LEVEL"), [(name, word) for name, word in found])
