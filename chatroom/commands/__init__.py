"""The verbs: one function an IRC command, registered in a table with its arity, privilege and help."""

from chatroom.commands import (
    authentication,
    bans,
    channels,
    connection,
    control,
    invitations,
    joining,
    kicks,
    messages,
    moderation,
    modes,
    people,
    server_info,
    topics,
)

__all__ = [
    "authentication",
    "bans",
    "channels",
    "connection",
    "control",
    "invitations",
    "joining",
    "kicks",
    "messages",
    "moderation",
    "modes",
    "people",
    "server_info",
    "topics",
]
