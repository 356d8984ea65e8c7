"""The part of the program that what the keys do needs. ``app.ChatApp`` has it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from textual.screen import Screen

from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.chat_screen import ChatScreen
from chatroom.client.fullscreen.questions import Questions
from chatroom.client.fullscreen.terminal_control import TerminalControl
from chatroom.client.servers import Servers


class Program(Protocol):
    """For the thread of the event loop."""

    @property
    def session(self) -> ChatSession | None:
        """The chat; None until the user has answered the first questions."""

    @property
    def servers(self) -> Servers | None:
        """The chats on all servers; None until then, too."""

    @property
    def chat(self) -> ChatScreen:
        """The screen of the chat."""

    @property
    def terminal(self) -> TerminalControl:
        """Bell, clipboard and mouse."""

    @property
    def questions(self) -> Questions:
        """What the user is asked."""

    def woken(self) -> None:
        """Go on after the user has done something: paint, and ask what is to be asked."""

    def tell(self, text: str, *, wrong: bool = False) -> None:
        """Tell the user something, in the place in front."""

    def refresh_chat(self) -> None:
        """Paint what has changed."""

    def ask_older(self) -> None:
        """Ask the server for older messages of the place in front."""

    def open_chooser(self, chooser: Screen[None]) -> None:
        """Show a list to choose from."""

    def leave(self) -> None:
        """End the chat, as /quit does."""

    def stop_asking(self) -> None:
        """End the program before the chat has begun."""

    def fail(self, error: Exception) -> None:
        """End the program with an error."""

    def suspend(self) -> AbstractContextManager[Any]:
        """Give the terminal to another program meanwhile."""

    def action_suspend_process(self) -> None:
        """Go to the shell."""

    def paint_anew(self) -> None:
        """Paint the whole screen."""
