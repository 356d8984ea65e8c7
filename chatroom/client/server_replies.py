"""Replies of the server whose words depend on what came before them, or that this client words otherwise."""

from __future__ import annotations

from chatroom.client.chat_events import Denied, Event, Info
from chatroom.client.message_reading import moment, param
from chatroom.client.numerics_in_words import answer
from chatroom.client.search_queries import refusal
from chatroom.irc.message import Message


class Replies:
    """Turns replies of one connection into events. They change nothing of the chat."""

    def __init__(self) -> None:
        self._has_entries = False
        """True once the WHO or LIST in progress has had an entry."""
        self._registered = ""
        """The account of which the answer to REGISTER says that the user is logged in: a 900 would repeat it."""

    def on_entry(self, message: Message) -> list[Event]:
        """Read an entry of WHO or LIST."""
        self._has_entries = True
        return answer(message)

    def on_who_end(self, message: Message) -> list[Event]:
        """Read the end of WHO: say so if it has found nobody."""
        return self._end_of_entries(f"No user matches {param(message, 1)}.")

    def on_list_end(self, message: Message) -> list[Event]:
        """Read the end of LIST: say so if it has found no channel."""
        return self._end_of_entries("There are no channels to show.")

    def _end_of_entries(self, nothing: str) -> list[Event]:
        has_entries, self._has_entries = self._has_entries, False
        return [] if has_entries else [Info(nothing)]

    def on_register(self, message: Message) -> list[Event]:
        """Read the answer to REGISTER or VERIFY."""
        if not message.params:
            return []
        if message.params[0] == "SUCCESS" and "logged in" in message.params[-1]:
            self._registered = param(message, 1)
        return [Info(message.params[-1])]

    def on_logged_in(self, message: Message) -> list[Event]:
        """Read that the user is logged in, unless the answer to REGISTER has said it."""
        account, self._registered = self._registered, ""
        return answer(message) if not account or param(message, 2) != account else []

    def on_standard_reply(self, message: Message) -> list[Event]:
        """Read a FAIL, WARN or NOTE."""
        text = message.params[-1] if message.params else ""
        if message.verb == "FAIL" and message.params[:1] == ["SEARCH"]:
            return [Denied(refusal(message.params))]
        if message.params[:2] == ["UBAN", "NEEDS_FORCE"]:
            text = text.replace("UBAN ADD FORCE", "/ban --force")  # what the user of this client has to type
        return [Denied(text)] if message.verb == "FAIL" else [Info(text)]

    def on_wallops(self, message: Message) -> list[Event]:
        """Read what an operator says to all of them."""
        return [Info(f"{message.nick} to all operators: {param(message, 0)}", at=moment(message))]
