"""Verbs about channels: joining and leaving, members, modes, topics, invitations."""

from chatroom.commands.rooms import (
    channel_modes,
    invitations,
    joining,
    kicks,
    knocking,
    listing,
    member_list,
    renaming,
    timed_bans,
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
    "timed_bans",
    "topics",
]
