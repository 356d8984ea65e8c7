"""Verbs of channels: coming in, leaving, names, modes, topics."""

from chatroom.commands.rooms import (
    channel_modes,
    invitations,
    joining,
    kicks,
    knocking,
    listing,
    member_list,
    renaming,
    topics,
)

__all__ = [
    "channel_modes",
    "invitations",
    "joining",
    "kicks",
    "knocking",
    "listing",
    "member_list",
    "renaming",
    "topics",
]
