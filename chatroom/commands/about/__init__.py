"""Verbs about the server itself: HELP, VERSION, ISUPPORT, STATS and the like."""

from chatroom.commands.about import help, network, server_info

__all__ = ["help", "network", "server_info"]
