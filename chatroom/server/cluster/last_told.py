"""How far the nodes that lived last had told their people, if none is left that knows these: for the next start.

A node is known by the session ids of its people to those that live on. A start that finds none of them knows only which
accounts the database has as present, and not on which node. So all of them count as told no more than the node that was
told to have told the least, but for those whose own session had told less. That is little: the nodes have died within
seconds, or the others would have ended the people of the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.server.cluster.redis_answers import read_told

if TYPE_CHECKING:
    from chatroom.chat.cluster.told import Told
    from chatroom.chat.stored.presence_stores import PresenceStore
    from chatroom.server.cluster.redis_answers import Oddities
    from chatroom.server.cluster.redis_line import RedisLine


def find_last_told(line: RedisLine, prefix: str, within_ms: int, oddities: Oddities) -> list[Told]:
    """Return the marks of the homes whose last heartbeats came within so many milliseconds of the very last one.

    A mark is kept for as long from each heartbeat on, so the rest of that time tells when the last one was.
    """
    found: list[tuple[int, Told]] = []
    cursor: bytes | int = 0
    while True:
        cursor, keys = line.call("SCAN", cursor, "MATCH", f"{prefix}*", "COUNT", 1000)
        for key in keys:
            told = read_told(line.call("GET", key), oddities)
            if told is not None:
                found.append((int(line.call("PTTL", key)), told))
        if int(cursor) == 0:
            break
    latest = max((rest_ms for rest_ms, _ in found), default=0)
    return [told for rest_ms, told in found if rest_ms >= latest - within_ms]


def store_missed(presence: PresenceStore, marks: Sequence[Told], last_message_id: int) -> int:
    """Store what single accounts had not been told, and return up to which message id all others had read.

    That is ``last_message_id`` if nobody has left anything.
    """
    read_up_to = last_message_id
    for told in marks:
        read_up_to = min(read_up_to, told.seq)
        for number, account_id in told.accounts.items():
            if not account_id:
                continue
            for place in told.unshown.get(number, ()):
                presence.go(account_id, place, None, returns=True)
            if number in told.behind:
                presence.go_all(min(last_message_id, told.behind[number]), account_id)
        # Of an earlier version, which does not say whose sessions are behind.
        for number in told.behind.keys() - told.accounts.keys():
            read_up_to = min(read_up_to, told.behind[number])
    return read_up_to
