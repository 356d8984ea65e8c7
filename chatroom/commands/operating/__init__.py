"""Verbs of those who run the chat: KILL, UBAN, and what the control socket asks."""

from chatroom.commands.operating import control_commands, kill, uban

__all__ = ["control_commands", "kill", "uban"]
