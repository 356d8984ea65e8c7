"""Verbs of those who run the chat: KILL, UBAN, WALLOPS, and what the control socket asks."""

from chatroom.commands.operating import control_commands, kill, uban, wallops

__all__ = ["control_commands", "kill", "uban", "wallops"]
