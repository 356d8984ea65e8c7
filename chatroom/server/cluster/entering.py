"""How a node comes to its place among the others, and to the world that they have.

The first node makes the world from the database. Any other one asks for a snapshot: it appends that request in a turn
of its own, and the node that applies it first by name leaves its world as it is at that position.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chatroom.chat.cluster.turn_records import encode_records
from chatroom.errors import RedisUnreachable, StreamLost
from chatroom.server.cluster.cluster_contract import Snapshot
from chatroom.server.cluster.pauses import Pauses

if TYPE_CHECKING:
    from chatroom.server.cluster.cluster_contract import Joined, Link

ASK_AGAIN_S = 5.0
"""How long a node waits for a snapshot before it asks again."""
_LOOK_EVERY_S = 0.05
Pause = Callable[[float], bool]
"""Waits for so many seconds. Returns False if the daemon stops meanwhile."""


class Stopping(Exception):
    """The daemon stops, so what was under way is not finished."""


def join(link: Link, find_turn_floor: Callable[[], int], pause: Pause, patience_s: float | None = None) -> Joined:
    """Register this node. Raises ``NodeRuns``, and ``RedisUnreachable`` after ``patience_s``."""
    give_up_at = None if patience_s is None else time.monotonic() + patience_s
    pauses = Pauses()
    while True:
        try:
            joined = link.join(find_turn_floor)
            if joined is not None:
                return joined
            pauses.reset()
        except RedisUnreachable:
            if give_up_at is not None and time.monotonic() >= give_up_at:
                raise
        if not pause(pauses.take()):
            raise Stopping


def take_world(link: Link, joined: Joined, find_turn_floor: Callable[[], int], pause: Pause) -> Snapshot | None:
    """Ask for a snapshot, and wait for it. None if this node shall make the world from the database itself.

    Raises ``Fenced`` if the others have gone on without this node meanwhile.
    """
    if joined.is_first:
        return None
    pauses = Pauses()
    while True:
        try:
            _ask(link, pause)
            give_up_at = time.monotonic() + ASK_AGAIN_S
            while time.monotonic() < give_up_at:
                snapshot = link.take_snapshot()
                if snapshot is not None:
                    return snapshot
                if link.claim_first():
                    return None
                pauses.reset()
                if not pause(_LOOK_EVERY_S):
                    raise Stopping
        except RedisUnreachable:
            if not pause(pauses.take()):
                raise Stopping from None
        except StreamLost:
            _recover(link, find_turn_floor, pause)


def take_place(
    link: Link, position: int, facts: Mapping[str, object], find_turn_floor: Callable[[], int], pause: Pause
) -> None:
    """Be one of those who have a world, and know the others: if Redis is lost now, this node must wait for them.

    Raises ``Fenced`` as ``take_world``.
    """
    pauses = Pauses()
    while True:
        try:
            link.mark_ready(position)
            link.heartbeat(facts)
            return
        except RedisUnreachable:
            if not pause(pauses.take()):
                raise Stopping from None
        except StreamLost:
            _recover(link, find_turn_floor, pause)


def _recover(link: Link, find_turn_floor: Callable[[], int], pause: Pause) -> None:
    """Agree with the others after Redis was restarted."""
    pauses = Pauses()
    while True:
        try:
            if link.recover(find_turn_floor) is not None:
                return
            pauses.reset()
        except RedisUnreachable:
            pass
        if not pause(pauses.take()):
            raise Stopping


def _ask(link: Link, pause: Pause) -> None:
    turn = link.acquire()
    while turn is None:
        turn = link.wait_grant(1.0) or link.acquire()
        if not pause(0.0):
            raise Stopping
    # If the turn is a broken one, a node with a world will look for what was not told.
    link.append(turn, encode_records([["snapshot", link.home]]), mends=False)


def pack(position: int, document: dict[str, Any]) -> Snapshot:
    """Make a snapshot of a world's document."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Snapshot(position, zlib.compress(text.encode("utf-8", "surrogateescape"), 1))


def unpack(snapshot: Snapshot) -> dict[str, Any]:
    """Return the world's document."""
    document: dict[str, Any] = json.loads(zlib.decompress(snapshot.data).decode("utf-8", "surrogateescape"))
    return document
