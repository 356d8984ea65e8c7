"""Verbs that say something to somebody, and keeping it in the history."""

from chatroom.commands.talking import messages, multiline

__all__ = ["messages", "multiline"]
