"""The commands that ask the running daemon: ``status``, ``who``, ``kick``, ``announce``, ``lockdown``."""

from __future__ import annotations

from collections.abc import Callable

import click

from chatroom.chat.admission.ban_targets import parse_name
from chatroom.chat.admission.durations import format_duration, parse_duration
from chatroom.chat.admission.lockdown import Lockdown
from chatroom.ctl.control_client import ask_status, list_sessions, perform
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.live_status import numbered, shown_duration, watch_status
from chatroom.ctl.output import Command, json_option, print_json, print_pairs, print_table, report_result, result_option
from chatroom.errors import InvalidValue


def node_option(text: str) -> Callable[[Command], Command]:
    """Add ``--node`` to a command, as its argument ``node``. ``text`` is the help."""
    return click.option("--node", metavar="NODE", help=f"{text} Example: --node b")


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
@node_option("Show what another node of the cluster has told of itself.")
@json_option
@utc_option
@pass_invocation
def status(invocation: Invocation, watch: bool, every_s: float, node: str | None, as_json: bool) -> None:
    """Show how the running daemon is doing.

    It lists the version, the uptime, the numbers of users and channels, and the files in use. In a cluster users and
    channels are those of all nodes; "cluster status" lists the nodes.

    --watch shows it as a live view, with what has changed since the look before, and what is wrong in red. If the
    output is no terminal, one block follows the other; with --json, one document a line.

    \b
    Examples:
      chatroomctl status
      chatroomctl status --watch
      chatroomctl status --node b
    """
    if node is not None:
        if watch:
            raise click.UsageError("--watch is for the daemon of this machine: leave out --node.")
        from chatroom.ctl.cluster_commands import show_node  # here, because most are in no cluster

        return show_node(invocation, node, as_json=as_json)
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
@node_option("List only the connections to one node of a cluster.")
@json_option
@utc_option
@pass_invocation
def who(invocation: Invocation, node: str | None, as_json: bool) -> None:
    """List the connections to the daemon, in a cluster those to all nodes.

    Each has its nick, account, address and channels, and in a cluster its node. A connection to another node is listed
    once its user has a nick.

    \b
    Examples:
      chatroomctl who
      chatroomctl who --node b
    """
    sessions = list_sessions(invocation)
    has_nodes = any(one.node is not None for one in sessions)
    if node is not None:
        if sessions and not has_nodes:
            raise InvalidValue("--node is for the nodes of a cluster, and this daemon is in none")
        sessions = [one for one in sessions if one.node == node]
        if not sessions:
            from chatroom.ctl.cluster_commands import find_node  # here, because most are in no cluster

            find_node(invocation, node)  # a node without people, or a name that no node has
    if as_json:
        print_json(sessions)
        return
    print_table(
        (
            *(["NODE"] if has_nodes else []),
            *("NICK", "ACCOUNT", "ROLE", "USER", "ADDRESS", "CONNECTED", "IDLE", "CHANNELS"),
        ),
        [
            (
                *([one.node] if has_nodes else []),
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
@node_option("Disconnect only what is connected to one node of a cluster.")
@result_option("answer")
@pass_invocation
def kick(invocation: Invocation, name: str, reason: tuple[str, ...], node: str | None) -> None:
    """Disconnect the user NAME. This is no ban: NAME may connect again.

    In a cluster NAME may be connected to any node, and to several. REASON is shown to NAME and to the users in the same
    channels.

    \b
    Examples:
      chatroomctl kick mallory please calm down
      chatroomctl kick --node b mallory
    """
    verb = ["KILL"] if node is None else ["KILLAT", node]
    _report(perform(invocation, *verb, parse_name(name).name, " ".join(reason)))


@click.command()
@click.argument("text", nargs=-1, required=True)
@node_option("Send it only to the users that are connected to one node of a cluster.")
@result_option("answer")
@pass_invocation
def announce(invocation: Invocation, text: tuple[str, ...], node: str | None) -> None:
    """Send TEXT to all users, as a notice from the server.

    \b
    Examples:
      chatroomctl announce "The server restarts at noon."
      chatroomctl announce --node b "This node restarts at noon: connect again."
    """
    words = " ".join(text).strip()
    if not words:
        raise InvalidValue("there is no text to announce")
    _report(perform(invocation, "ANNOUNCE", *([node] if node else []), words))


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
