"""What is asked of the running daemon: ``status``, ``who``, ``kick``, ``announce``, ``reload``."""

from __future__ import annotations

import click

from chatroom.chat.admission.ban_targets import parse_name
from chatroom.chat.admission.durations import format_duration
from chatroom.ctl.control_client import ask, tell, who_is_present
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, plain, print_json, print_pairs, print_table


@click.command()
@json_option
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> None:
    """Tell how the running daemon is doing.

    \b
    Example:
      chatroomctl status
    """
    pairs = {
        message.params[1]: message.params[2]
        for message in ask(invocation, "STATUS")
        if message.verb == "NOTE" and message.params[:1] == ["STATUS"] and len(message.params) == 3
    }
    if as_json:
        print_json({key: int(value) if value.isdecimal() else value for key, value in pairs.items()})
    else:
        print_pairs(pairs.items())


@click.command()
@json_option
@pass_invocation
def who(invocation: Invocation, as_json: bool) -> None:
    """List who is connected, and from where.

    \b
    Example:
      chatroomctl who
    """
    present = who_is_present(invocation)
    if as_json:
        print_json(present)
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
            for one in present
        ],
    )


@click.command()
@click.argument("name")
@click.argument("reason", nargs=-1)
@pass_invocation
def kick(invocation: Invocation, name: str, reason: tuple[str, ...]) -> None:
    """Disconnect NAME; they may come back. REASON is told to everybody.

    \b
    Example:
      chatroomctl kick mallory please calm down
    """
    click.echo(plain(tell(invocation, "KILL", parse_name(name).name, " ".join(reason))))


@click.command()
@click.argument("text", nargs=-1, required=True)
@pass_invocation
def announce(invocation: Invocation, text: tuple[str, ...]) -> None:
    """Say TEXT to everybody who is connected.

    \b
    Example:
      chatroomctl announce "The server restarts at noon."
    """
    click.echo(plain(tell(invocation, "ANNOUNCE", " ".join(text))))


@click.command()
@pass_invocation
def reload(invocation: Invocation) -> None:
    """Have the running daemon read its configuration again.

    A file with an error in it changes nothing.

    \b
    Example:
      chatroomctl config set limits.burst_lines 100 && chatroomctl reload
    """
    click.echo(plain(tell(invocation, "REHASH")))
