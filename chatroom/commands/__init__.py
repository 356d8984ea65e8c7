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
    presence,
    server_info,
    topics,
    who,
    whois,
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
    "presence",
    "server_info",
    "topics",
    "who",
    "whois",
]
