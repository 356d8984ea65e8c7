"""Verbs of the history: CHATHISTORY, SEARCH, REDACT, MARKREAD, ZNC's playback; and the replay at a JOIN."""

from chatroom.commands.reading import chathistory, read_markers, redaction, search, znc_playback

__all__ = ["chathistory", "read_markers", "redaction", "search", "znc_playback"]
