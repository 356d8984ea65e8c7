"""The commands that ask the running daemon: ``status``, ``who``, ``kick``, ``announce``, ``reload``."""

from __future__ import annotations

import click

from chatroom.chat.admission.ban_targets import parse_name
from chatroom.chat.admission.durations import format_duration
from chatroom.chat.admission.lockdown import Lockdown
from chatroom.ctl.control_client import list_sessions, perform, request
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import json_option, print_json, print_pairs, print_table, report_result, result_option
from chatroom.errors import InvalidValue


@click.command()
@json_option
@utc_option
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> None:
    """Show how the running daemon is doing.

    It lists the version, the uptime, the numbers of users and channels, and the files in use.

    \b
    Example:
      chatroomctl status
    """
    pairs: dict[str, str] = {}
    for message in request(invocation, "STATUS"):
        if message.verb == "NOTE" and message.params[:1] == ["STATUS"] and len(message.params) == 3:
            key, value = message.params[1:]
            pairs[key] = pairs.get(key, "") + value  # a long value, such as a path, comes in several lines
    if as_json:
        print_json({key: int(value) if value.isdecimal() else value for key, value in pairs.items()})
    else:
        # The programs' key is uptime_s; people read a duration as everywhere else.
        uptime = pairs.get("uptime_s", "")
        shown = {**pairs, "uptime_s": format_duration(int(uptime))} if uptime.isdecimal() else pairs
        print_pairs((key.removesuffix("_s"), value) for key, value in shown.items())


@click.command()
@json_option
@utc_option
@pass_invocation
def who(invocation: Invocation, as_json: bool) -> None:
    """List the connections to the daemon.

    Each has its nick, account, address and channels.

    \b
    Example:
      chatroomctl who
    """
    sessions = list_sessions(invocation)
    if as_json:
        print_json(sessions)
        return
    print_table(
        ("NICK", "ACCOUNT", "ROLE", "USER", "ADDRESS", "CONNECTED", "IDLE", "CHANNELS"),
        [
            (
                one.nick,
                one.account,
                one.role,
                one.user,
                one.address,
                one.connected_at,
                format_duration(one.idle_s),
                " ".join(one.channels),
            )
            for one in sessions
        ],
    )


@click.command()
@click.argument("name")
@click.argument("reason", nargs=-1)
@result_option("answer")
@pass_invocation
def kick(invocation: Invocation, name: str, reason: tuple[str, ...]) -> None:
    """Disconnect the user NAME. This is no ban: NAME may connect again.

    REASON is shown to NAME and to the users in the same channels.

    \b
    Example:
      chatroomctl kick mallory please calm down
    """
    _report(perform(invocation, "KILL", parse_name(name).name, " ".join(reason)))


@click.command()
@click.argument("text", nargs=-1, required=True)
@result_option("answer")
@pass_invocation
def announce(invocation: Invocation, text: tuple[str, ...]) -> None:
    """Send TEXT to all users, as a notice from the server.

    \b
    Example:
      chatroomctl announce "The server restarts at noon."
    """
    words = " ".join(text).strip()
    if not words:
        raise InvalidValue("there is no text to announce")
    _report(perform(invocation, "ANNOUNCE", words))


@click.command()
@result_option("answer")
@pass_invocation
def reload(invocation: Invocation) -> None:
    """Make the running daemon read its configuration again.

    If the file has an error, the daemon reports it and keeps its settings.

    \b
    Example:
      chatroomctl config set limits.burst_lines 100 && chatroomctl reload
    """
    _report(perform(invocation, "REHASH"))


@click.command()
@click.argument("state", required=False, type=click.Choice([one.value for one in Lockdown]))
@result_option("answer")
@pass_invocation
def lockdown(invocation: Invocation, state: str | None) -> None:
    """Keep new users out of the running daemon, or show whether it does.

    STATE is accounts-only (only users with an account come in), on (only moderators and admins come in) or off. Users
    who are present stay. A restart of the daemon ends the lockdown.

    \b
    Examples:
      chatroomctl lockdown accounts-only
      chatroomctl lockdown off
    """
    _report(perform(invocation, "LOCKDOWN", *([state] if state else [])))


def _report(answer: str) -> None:
    report_result(answer, answer=answer)
