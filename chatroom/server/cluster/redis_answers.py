"""Reading what Redis has for a cluster. Other programs may have written there: what no node has written is left out."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chatroom.chat.cluster.told import Told, told_from_text
from chatroom.server.cluster.cluster_contract import Entry, NodeState
from chatroom.server.cluster.founding import Kept
from chatroom.server.cluster.link_memory import read_lineage

log = logging.getLogger(__name__)


class Oddities:
    """Logs each thing once that no node has written."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def note(self, where: str, what: object) -> None:
        """Log it, unless that was done before. From any thread."""
        text = f"{where}: {what!r:.100}"
        if text not in self._known and len(self._known) < 100:
            self._known.add(text)
            log.warning("Redis has what no node has written there, and it is left out: %s", text)


def read_states(nodes: Sequence[Sequence[bytes]], oddities: Oddities) -> list[NodeState]:
    """The registered nodes, by name. Left out are a node whose epoch is no number, and facts that are no document."""
    states: list[NodeState] = []
    for name, epoch, is_alive, is_ready, document, mark in nodes:
        if not epoch.isdigit():
            oddities.note("nodes", (name, epoch))
            continue
        facts = _read_facts(document)
        if facts is None:
            oddities.note("facts", (name, document))
        text = name.decode("utf-8", "replace")
        told = read_told(mark, oddities) or _told_of_facts(facts)
        states.append(NodeState(text, int(epoch), is_alive == b"1", is_ready == b"1", facts or {}, told))
    return sorted(states, key=lambda state: state.name)


def _read_facts(text: bytes) -> dict[str, object] | None:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def read_told(text: bytes | None, oddities: Oddities) -> Told | None:
    """How far a node has told its people; None if that is not there."""
    if not text:
        return None
    try:
        return told_from_text(text)
    except (ValueError, RecursionError):
        oddities.note("told", text)
        return None


def _told_of_facts(facts: Mapping[str, object] | None) -> Told | None:
    """As an earlier version tells it: a second late."""
    seq = (facts or {}).get("told")
    return Told(seq) if isinstance(seq, int) else None


def read_entry(entry_id: bytes, fields: Sequence[bytes], generation: str, oddities: Oddities) -> Entry:
    """An entry of the stream. One that no node has made holds a position, and nothing else.

    ``generation`` is the one that such an entry counts to.
    """
    position = int(entry_id.partition(b"-")[0])
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    try:
        home, turn, its_generation = values[b"m"].decode().split(" ")
        return Entry(position, home, int(turn), values[b"d"], its_generation)
    except (KeyError, ValueError):
        oddities.note("stream", (position, values))
        return Entry(position, "", 0, b"[]", generation)


def read_kept(answer: list[Any]) -> Kept:
    """What Redis has kept, as ``CALL_ROLL`` answers it."""
    nodes = [part.decode("utf-8", "replace") for part in answer[1]]
    generation, position, number, holder, broken, epochs, lineage = (part.decode() for part in answer[3:])
    return Kept(
        generation=generation,
        position=int(position or 0),
        number=int(number or 0),
        holder=holder,
        is_broken=broken == "1",
        epochs=int(epochs or 0),
        nodes={name: int(epoch) for name, epoch in zip(nodes[::2], nodes[1::2], strict=True) if epoch.isdigit()},
        lineage=read_lineage(lineage),
    )
