"""Verbs for moderators and admins, FILTER, KILL, LOCKDOWN, UBAN and WALLOPS, and the verbs of the control socket."""

from chatroom.commands.operating import (
    control_accounts,
    control_channels,
    control_commands,
    filter_command,
    kill,
    lockdown_command,
    uban,
    wallops,
)

__all__ = [
    "control_accounts",
    "control_channels",
    "control_commands",
    "filter_command",
    "kill",
    "lockdown_command",
    "uban",
    "wallops",
]
