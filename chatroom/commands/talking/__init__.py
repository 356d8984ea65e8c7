"""Verbs that send messages: PRIVMSG, NOTICE, TAGMSG, BATCH and RELAYMSG, and writing the messages to the history."""

from chatroom.commands.talking import messages, multiline, relaying

__all__ = ["messages", "multiline", "relaying"]
