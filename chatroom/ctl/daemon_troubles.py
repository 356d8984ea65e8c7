"""Which values of a running daemon's status an operator should look at, and what to do then."""

from __future__ import annotations

from collections.abc import Mapping

from chatroom.database_address import is_server_url
from chatroom.findings import Finding

_NEARLY_FULL = 0.9
"""The share of the connections from which on a server is nearly full."""


def find_trouble(key: str, values: Mapping[str, str]) -> Finding | None:
    """Return what is wrong with the value ``key`` of a status, or None."""
    value = values[key]
    if key == "threads" and not value.startswith("all "):
        return Finding(f"threads of the daemon: {value}", "look at its log; restart it if this stays")
    if key == "history" and value not in ("kept", "not kept"):
        is_elsewhere = is_server_url(values.get("database", ""))
        return Finding(
            f"messages cannot be stored: {value}",
            "look at the PostgreSQL server; the daemon goes on by itself when it can write there again"
            if is_elsewhere
            else "make room on the disk, or put the database back in its place",
        )
    if key == "cluster" and value != "connected":
        return Finding(
            f"this node is {value}", "look at Redis and at the network; until then it refuses what it is told"
        )
    if key == "backup" and value.startswith("failed: "):
        return Finding(
            f"no backup could be made: {value.removeprefix('failed: ')}",
            "mend that; it is tried again every ten minutes",
        )
    if key == "disk" and (value.startswith("full") or "less than" in value):
        return Finding(f"the database's disk: {value}", "make room; history.max_size_mb bounds the history")
    if key == "connections":
        most = values.get("most_connections", "")
        if value.isdecimal() and most.isdecimal() and int(value) > _NEARLY_FULL * int(most):
            return Finding(
                f"{value} of {most} connections are taken", "raise limits.connections and the limit of open files"
            )
    return None
