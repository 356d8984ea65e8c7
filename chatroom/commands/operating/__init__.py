"""Verbs for moderators and admins, KILL, UBAN and WALLOPS, and the verbs of the control socket."""

from chatroom.commands.operating import control_accounts, control_commands, kill, uban, wallops

__all__ = ["control_accounts", "control_commands", "kill", "uban", "wallops"]
