"""The commands that ask the running daemon: ``status``, ``who``, ``kick``, ``announce``, ``lockdown``."""

from __future__ import annotations

import click

from chatroom.chat.admission.ban_targets import parse_name
from chatroom.chat.admission.durations import format_duration, parse_duration
from chatroom.chat.admission.lockdown import Lockdown
from chatroom.ctl.control_client import ask_status, list_sessions, perform
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.live_status import numbered, shown_duration, watch_status
from chatroom.ctl.output import json_option, print_json, print_pairs, print_table, report_result, result_option
from chatroom.errors import InvalidValue


@click.command()
@click.option("--watch", is_flag=True, help="Ask again and again, until Ctrl-C. Example: --watch")
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.2, 3600),
    default=2.0,
    metavar="SECONDS",
    help="With --watch, the pause between two looks; 2 by default. Example: --every 10",
)
@json_option
@utc_option
@pass_invocation
def status(invocation: Invocation, watch: bool, every_s: float, as_json: bool) -> None:
    """Show how the running daemon is doing.

    It lists the version, the uptime, the numbers of users and channels, and the files in use.

    --watch shows it as a live view, with what has changed since the look before, and what is wrong in red. If the
    output is no terminal, one block follows the other; with --json, one document a line.

    \b
    Examples:
      chatroomctl status
      chatroomctl status --watch
    """
    if watch:
        watch_status(invocation, every_s, as_json=as_json)
    pairs = ask_status(invocation)
    if as_json:
        print_json(numbered(pairs))
    else:
        # The programs' keys end in _s; people read durations as everywhere else.
        shown = {key: shown_duration(value) if key.endswith("_s") else value for key, value in pairs.items()}
        if pairs.get("cpu_ms", "").isdecimal():
            shown = {**shown, "cpu_ms": f"{int(pairs['cpu_ms']) / 1000:.1f} s"}
        print_pairs((key.removesuffix("_s").removesuffix("_ms"), value) for key, value in shown.items())


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
@click.argument("state", required=False, type=click.Choice([one.value for one in Lockdown]))
@click.option("--for", "duration", metavar="DURATION", help="End it by itself after so long. Example: --for 1h")
@result_option("answer")
@pass_invocation
def lockdown(invocation: Invocation, state: str | None, duration: str | None) -> None:
    """Keep new users out of the running daemon, or show whether it does.

    STATE is accounts-only (only users with an account come in), on (only moderators and admins come in) or off. Users
    who are present stay. A restart of the daemon does not end the lockdown.

    \b
    Examples:
      chatroomctl lockdown accounts-only
      chatroomctl lockdown on --for 1h
      chatroomctl lockdown off
    """
    if duration is not None and state in (None, Lockdown.OFF.value):
        raise InvalidValue("--for needs the STATE accounts-only or on")
    if duration is not None:
        parse_duration(duration)  # an empty one would be none
    _report(perform(invocation, "LOCKDOWN", *(word for word in (state, duration) if word is not None)))


def _report(answer: str) -> None:
    report_result(answer, answer=answer)
