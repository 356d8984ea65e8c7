"""Verbs for moderators and admins (FILTER, KILL, LOCKDOWN, UBAN and others) and for the control socket."""

from chatroom.commands.operating import (
    audit_command,
    control_accounts,
    control_channels,
    control_commands,
    control_upgrade,
    filter_command,
    invite_link,
    kill,
    lockdown_command,
    log_level_command,
    login_delays,
    rehash,
    uban,
    wallops,
)

__all__ = [
    "audit_command",
    "control_accounts",
    "control_channels",
    "control_commands",
    "control_upgrade",
    "filter_command",
    "invite_link",
    "kill",
    "lockdown_command",
    "log_level_command",
    "login_delays",
    "rehash",
    "uban",
    "wallops",
]
