"""Verbs about users: ACCEPT, AWAY, WHO, WHOIS, MONITOR, METADATA and user modes."""

from chatroom.commands.presence import accept, away_and_ison, metadata_command, monitor, who, whois

__all__ = ["accept", "away_and_ison", "metadata_command", "monitor", "who", "whois"]
