"""``chatroomctl cluster``: the nodes of a cluster, as Redis knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chatroom.ctl.control_client import ask_status
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, print_json, print_pairs, print_table, report_result, result_option, say
from chatroom.ctl.streams import warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import ChatroomError, InvalidValue, NotRunning, RedisUnreachable, Refused

if TYPE_CHECKING:
    from chatroom.config.clustering import Cluster
    from chatroom.server.cluster.cluster_report import ClusterReport, NodeReport


_FACTS = ("server", "description", "version", "machine", "listening", "clients", "position")


@click.group("cluster", cls=Subcommands)
def cluster() -> None:
    """Show the nodes that run one chat together.

    \b
    Example:
      chatroomctl cluster status
    """


@cluster.command("status")
@json_option
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> None:
    """List the nodes of the cluster, and which one has the turn.

    STATE is alive, or starting, or silent if nothing was heard of the node for as long as cluster.lease_s says, or away
    if it was stopped, or the others have gone on without it. LAG is how many entries of the stream a node had still to
    apply at its last sign of life, which comes each second.

    Redis is asked, so it works on any machine with the settings of a node, whether its daemon runs or not.

    \b
    Examples:
      chatroomctl cluster status
      chatroomctl cluster status --json | jq '.nodes[] | select(.state != "alive")'
    """
    report = ask_cluster(invocation)
    if as_json:
        print_json(to_document(report))
        return
    print_table(
        ("NODE", "STATE", "SERVER", "VERSION", "MACHINE", "CLIENTS", "POSITION", "LAG"),
        [
            (
                node.name,
                node.state,
                *(node.facts.get(key) for key in ("server", "version", "machine", "clients", "position")),
                find_lag(report, node),
            )
            for node in report.nodes
        ],
    )
    say(describe_turn(report))


@cluster.command("forget")
@click.argument("node")
@result_option("node", "forgotten")
@pass_invocation
def forget(invocation: Invocation, node: str) -> None:
    """Take NODE, which is away and does not come back, out of the list of "cluster status".

    \b
    Example:
      chatroomctl cluster forget c
    """
    from chatroom.server.cluster.cluster_report import forget_node  # here, because it needs Redis's client

    outcome = forget_node(_settings(invocation), node)
    if outcome == "runs":
        raise Refused(f"node {node} is registered: stop it first")
    if outcome == "unknown":
        raise Refused(f"there is no node {node} to forget")
    report_result(f"Forgot node {node}", node=node, forgotten=True)


def show_node(invocation: Invocation, name: str, *, as_json: bool) -> None:
    """Print what one node has told of itself. Raises as ``find_node``."""
    report, node = find_node(invocation, name)
    told = {"node": node.name, "state": node.state, **_facts_of(node), "lag": find_lag(report, node)}
    if as_json:
        print_json(told)
    else:
        print_pairs(told.items())


def find_node(invocation: Invocation, name: str) -> tuple[ClusterReport, NodeReport]:
    """Ask Redis for a node. Raises as ``ask_cluster``, and ``Refused`` if there is no such node."""
    report = ask_cluster(invocation)
    for node in report.nodes:
        if node.name == name:
            return report, node
    raise Refused(f"there is no node {name}: there {_list_nodes(report)}")


def _list_nodes(report: ClusterReport) -> str:
    names = [node.name for node in report.nodes]
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else "is none"


def ask_cluster(invocation: Invocation) -> ClusterReport:
    """Ask Redis for the state of the cluster. If no daemon of this node runs, a line on stderr says so.

    Raises ``InvalidValue`` if the settings name no cluster, and ``Refused`` with what the node of this machine says if
    Redis cannot be reached.
    """
    settings = _settings(invocation)
    # Here, because Redis's client is there only if it is needed.
    from chatroom.server.cluster.cluster_report import ask_redis

    here, silence = _ask_node(invocation, settings.node)
    try:
        report = ask_redis(settings)
    except RedisUnreachable as error:
        raise Refused(f"{error}. Node {settings.node} on this machine: {here or silence}") from error
    if silence:
        warn(f"node {settings.node} on this machine: {silence}. This is what Redis knows")
    return report


def _facts_of(node: NodeReport) -> dict[str, Any]:
    """What a node has told of itself for operators; what it tells the other nodes is left out."""
    return {key: node.facts.get(key) for key in _FACTS}


def _settings(invocation: Invocation) -> Cluster:
    """The settings of the cluster. Raises ``InvalidValue`` if there is none."""
    settings = invocation.settings.cluster
    if settings.redis is None:
        raise InvalidValue("this server is in no cluster: cluster.redis is not set")
    return settings


def _ask_node(invocation: Invocation, name: str) -> tuple[str, str]:
    """What the daemon of this machine says of its link to the others, or why it says nothing."""
    try:
        values = ask_status(invocation)
    except NotRunning as error:
        is_silent = not isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError)
        return "", str(error) if is_silent else "it does not run"
    except ChatroomError as error:
        return "", str(error)
    if values.get("node") != name:  # that of another node on this machine, or one without a cluster
        return "", "it does not run"
    return values.get("cluster", ""), ""


def find_lag(report: ClusterReport, node: NodeReport) -> int | None:
    """How many entries of the stream a node had still to apply; None if it is gone, or has not told."""
    if node.position is None or node.state in ("silent", "away"):
        return None
    return max(0, report.position - node.position)


def describe_turn(report: ClusterReport) -> str:
    """Say who has the turn."""
    waiting = f", and {report.waiting} {'waits' if report.waiting == 1 else 'wait'} for it" if report.waiting else ""
    if not report.holder:
        return f"The stream is at {report.position}. Nobody has the turn{waiting}."
    since = f" for {report.held_s:.3f} s" if report.held_s is not None else ""
    return f"The stream is at {report.position}. Node {report.holder} has the turn{since}{waiting}."


def to_document(report: ClusterReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "position": report.position,
        "turn": {
            "number": report.turns,
            "node": report.holder or None,
            "held_s": report.held_s,
            "waiting": report.waiting,
        },
        "nodes": [
            {
                "name": node.name,
                "state": node.state,
                "epoch": node.epoch,
                "lag": find_lag(report, node),
                **_facts_of(node),
            }
            for node in report.nodes
        ],
    }
