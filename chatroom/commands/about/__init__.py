"""Verbs about the server: what it is, what it can do, help."""

from chatroom.commands.about import help, server_info

__all__ = ["help", "server_info"]
