"""Verbs of the history: CHATHISTORY, SEARCH, REDACT, MARKREAD; and the replay at a JOIN."""

from chatroom.commands.reading import chathistory, read_markers, redaction, search

__all__ = ["chathistory", "read_markers", "redaction", "search"]
