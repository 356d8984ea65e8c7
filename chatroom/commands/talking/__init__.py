"""Verbs that send messages: PRIVMSG, NOTICE, TAGMSG and BATCH, and writing the messages to the history."""

from chatroom.commands.talking import messages, multiline

__all__ = ["messages", "multiline"]
