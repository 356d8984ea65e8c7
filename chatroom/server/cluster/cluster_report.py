"""What Redis knows of a cluster, for operators: asked by whoever has the settings, also if no daemon runs.

It changes nothing, and registers nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatroom.config.clustering import Cluster
from chatroom.server.cluster.redis_line import RedisLine
from chatroom.server.cluster.scripts import ADD_NODES, Script

INSPECT = Script(
    ADD_NODES
    + """
local prefix = KEYS[1]
local state = redis.call('HMGET', prefix .. 'state', 'position', 'number', 'holder', 'since')
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local answer = {state[1] or '0', state[2] or '0', state[3] or '', state[4] or '', tostring(now_ms),
    tostring(redis.call('LLEN', prefix .. 'queue'))}
add_nodes(answer)
for _, name in ipairs(redis.call('HKEYS', prefix .. 'tokens')) do
    if redis.call('HEXISTS', prefix .. 'nodes', name) == 0 then answer[#answer + 1] = {name, '0', '0', '0', '{}'} end
end
return answer
"""
)
FORGET = Script("""
local prefix, name = KEYS[1], ARGV[1]
if redis.call('HEXISTS', prefix .. 'nodes', name) == 1 then return {'runs'} end
return {redis.call('HDEL', prefix .. 'tokens', name) == 1 and 'done' or 'unknown'}
""")


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A node as of its last heartbeat, or one that has been there."""

    name: str
    epoch: int
    """0 if it is not registered."""
    state: str
    """``alive``; ``starting`` if it has no world yet; ``silent`` if its lease has ended; ``away`` if it has left, or if
    the others have struck it off."""
    facts: Mapping[str, Any]
    """What the node has told of itself with its last heartbeat."""

    @property
    def position(self) -> int | None:
        """Up to where in the stream it had applied everything, a second ago; None if it has not told."""
        position = self.facts.get("position")
        return position if isinstance(position, int) else None


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """A cluster at one moment."""

    position: int
    """The position of the stream's last entry."""
    turns: int
    """The number of the last turn."""
    holder: str
    """The node that has the turn; empty if none has it."""
    held_s: float | None
    """For how long it has it; None if none has it, or Redis does not know."""
    waiting: int
    """How many nodes wait for the turn."""
    nodes: tuple[NodeReport, ...]
    """The nodes, by name."""
    eviction: str = ""
    """The ``maxmemory-policy`` by which Redis removes keys when its memory is full; empty if it never does."""


def ask_redis(settings: Cluster) -> ClusterReport:
    """Ask Redis for the state of a cluster. Raises ``RedisUnreachable``; ``settings`` must name a Redis."""
    answer, about = _run(settings, INSPECT)
    return read_report(answer, find_eviction(about))


def forget_node(settings: Cluster, name: str) -> str:
    """Have Redis forget a node that does not come back. Return ``done``, ``runs`` (it is registered) or ``unknown``.

    Raises ``RedisUnreachable``; ``settings`` must name a Redis.
    """
    return str(_run(settings, FORGET, os.fsencode(name))[0][0].decode())


def _run(settings: Cluster, script: Script, *arguments: bytes) -> tuple[list[Any], Mapping[str, str]]:
    """Return the answer to a script, and what Redis has told of itself."""
    assert settings.address is not None
    line = RedisLine(settings.address, f"{settings.name}:chatroomctl")
    with contextlib.closing(line):
        line.connect()
        return line.run(script, f"{settings.name}:", arguments), line.about


def find_eviction(about: Mapping[str, str]) -> str:
    """The policy by which a Redis removes keys, by what it tells of itself; empty if it has no limit, or refuses."""
    policy = about.get("maxmemory_policy", "noeviction")
    return policy if about.get("maxmemory", "0") != "0" and policy != "noeviction" else ""


def read_report(answer: list[Any], eviction: str = "") -> ClusterReport:
    """The report that an answer to ``INSPECT`` stands for."""
    position, turns, holder, since, now, waiting = (text.decode("utf-8", "replace") for text in answer[:6])
    nodes = sorted((_read_node(parts) for parts in answer[6:]), key=lambda node: node.name)
    return ClusterReport(
        _number(position),
        _number(turns),
        holder.partition("/")[0],
        max(0, int(now) - _number(since)) / 1000 if holder and _number(since) else None,
        int(waiting),
        tuple(nodes),
        eviction,
    )


def _read_node(parts: list[bytes]) -> NodeReport:
    name, epoch, is_alive, is_ready, document = (part.decode("utf-8", "replace") for part in parts)
    state = "alive" if is_ready == "1" else "starting"
    if is_alive != "1":
        state = "silent" if _number(epoch) else "away"
    try:
        facts = json.loads(document, parse_constant=lambda _: None)  # NaN and Infinity, which JSON has not
    except (ValueError, RecursionError):  # of another version, or of no node
        facts = {}
    return NodeReport(name, _number(epoch), state, facts if isinstance(facts, dict) else {})


def _number(text: str) -> int:
    """Read a number; 0 if no node has written it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
