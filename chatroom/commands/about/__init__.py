"""Verbs about the server itself: HELP, VERSION, ISUPPORT, STATS and the like."""

from chatroom.commands.about import help, server_info

__all__ = ["help", "server_info"]
