"""Counts of what happened since the start, for the metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Plain numbers that only go up. Changed under the hub lock, read without it."""

    logins_good: int = 0
    logins_bad: int = 0
    """Refused ones: a wrong password or certificate, or too many tries."""
    bans_hit: int = 0
    """Connections and registrations refused for a ban on a name, an address or a network."""
    floods: int = 0
    """Sessions ended because too many of their lines waited (``limits.queue_lines``)."""
    actions_refused: int = 0
    """Nick changes, searches, questions to the history and registrations that were too many."""
    send_queue_drops: int = 0
    """Sessions ended because they read too little (``limits.sendq_bytes``, ``limits.backlog_timeout_s``)."""
