"""Verbs about users: AWAY, WHO, WHOIS, MONITOR, METADATA and user modes."""

from chatroom.commands.presence import away_and_ison, metadata_command, monitor, who, whois

__all__ = ["away_and_ison", "metadata_command", "monitor", "who", "whois"]
