"""Verbs of the history: reading, searching, redacting, and the replay at a JOIN."""

from chatroom.commands.reading import chathistory, read_markers, redaction, search

__all__ = ["chathistory", "read_markers", "redaction", "search"]
