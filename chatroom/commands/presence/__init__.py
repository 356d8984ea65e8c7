"""Verbs about people: away, WHO, WHOIS, MONITOR, metadata, user modes."""

from chatroom.commands.presence import away_and_ison, metadata_command, monitor, who, whois

__all__ = ["away_and_ison", "metadata_command", "monitor", "who", "whois"]
