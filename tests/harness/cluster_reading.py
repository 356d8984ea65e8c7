"""What a client has read, without what differs between two chats in which the same happens."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatroom.irc.message import parse

_SERVER = re.compile(r"chatroom\.(?:[a-d]node|local)\b")
_REFERENCE = re.compile(r"\b[bm][0-9a-f]{13}\b")
_MSGID = re.compile(r"\b[0-9a-f]{13}\b")
_TIME_TAG = re.compile(r"(?<=[@;])time=[^; ]+")
_SERVERS = re.compile(r"on \d+ servers?")
_HOPS = re.compile(r"(?<= 354 )(.* [HG]\S* )\d+ |(?<= 352 )(.* :)\d+ ")
"""How far a user's server is away: 0 for this one."""
_TIMESTAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OF_ONE_SERVER = frozenset(["002", "003", "004", "253", "255", "265"])
"""Numerics about a server, and not about the chat."""


def find_msgids(lines: Iterable[str]) -> list[str]:
    """The message ids in lines, in their order."""
    return [msgid for line in lines for msgid in _MSGID.findall(_REFERENCE.sub("", line))]


def compare_times(lines: Iterable[str], times: dict[str, str]) -> None:
    """Check that each message has the same time for all its readers. ``times`` are those by message id."""
    for line in lines:
        tags = parse(line).tags or {}
        if "time" in tags and "msgid" in tags:
            assert times.setdefault(tags["msgid"], tags["time"]) == tags["time"], line


def make_plain(lines: Iterable[str], ranks: dict[str, int]) -> list[str]:
    """Replace ids by their ranks, references of batches by their order, and leave out times and names of servers."""
    references: dict[str, str] = {}

    def name_batch(match: re.Match[str]) -> str:
        return references.setdefault(match[0], f"batch-{len(references)}")

    plain = []
    for line in lines:
        line = _REFERENCE.sub(name_batch, _SERVER.sub("chatroom.server", line))
        line = _MSGID.sub(lambda match: f"id-{ranks[match[0]]}", _TIME_TAG.sub("time", line))
        line = _SERVERS.sub("on servers", _TIMESTAMP.sub("timestamp", line))
        line = _HOPS.sub(r"\1\2n ", line)
        if parse(line).verb not in OF_ONE_SERVER:
            plain.append(line)
    return plain
