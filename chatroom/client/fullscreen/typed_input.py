"""Keys, pastes and clicks in the order in which they are read, however quickly they come.

On a busy machine, or a slow line, several are read at once. Then each must find what the one before it has opened or
closed: what is typed behind an answer is for the next question or for the room, and an answer is never said in a room.
Textual alone has each wait in queues of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import events
from textual._time import get_time

from chatroom.client.fullscreen.alt_keys import EscapedKey
from chatroom.client.fullscreen.chat_screen import ChatScreen
from chatroom.client.fullscreen.chooser import Chooser
from chatroom.client.fullscreen.key_actions import KeyActions

_TURNS = 16
"""The most turns of the event loop that a click takes to what acts on it, or an answer to who has asked.

There is a turn for each widget between the clicked one and the program, and for each task that waits for another. That
makes five or six.
"""


class TypedInput:
    """Acts on each. ``is_asking``: True if a question is to be asked that is not open yet. ``post``: hands an event on
    to the program. For the thread of the loop.
    """

    def __init__(
        self,
        actions: KeyActions,
        chat: ChatScreen,
        is_asking: Callable[[], bool],
        post: Callable[[events.Event], object],
    ) -> None:
        self._actions = actions
        self._chat = chat
        self._is_asking = is_asking
        self._post = post
        self._held: list[events.Event] = []  # what waits for a click
        self._turns = 0  # for so many turns of the loop, a click is under way
        self._is_back_since = 0.0

    @property
    def is_waiting(self) -> bool:
        """True while a click is under way."""
        return self._turns > 0

    # Clicks

    def keep_back(self, event: events.Event) -> bool:
        """Keep an event until the click before it has reached its widget; False if it need not wait."""
        is_next = not self._held and isinstance(event, events.MouseEvent)  # widgets get those in their order
        if not self.is_waiting or is_next:
            return False
        self._held.append(event)
        return True

    def clicked(self) -> None:
        """Report that a button was pressed or released: what follows waits."""
        if not self.is_waiting:
            asyncio.get_running_loop().call_soon(self._take_turn)
        self._turns = _TURNS

    def _take_turn(self) -> None:
        self._turns -= 1
        if self._turns:
            asyncio.get_running_loop().call_soon(self._take_turn)
            return
        held, self._held = self._held, []
        for event in held:
            self._post(event)

    # Keys

    def came_back(self) -> None:
        """Report that the terminal was lent to another program, and is back: see ``press``."""
        self._is_back_since = get_time()

    async def press(self, event: events.Key) -> None:
        """Act on a key. What was read before the terminal was lent was typed for the other program: it is only text."""
        character = event.character if event.is_printable and event.character else ""
        if event.time < self._is_back_since:
            self._actions.type_only("\n" if event.key == "enter" else character)
        elif isinstance(event, EscapedKey) and self._is_escape(event):
            await self._act("escape", "")
            await self._act(event.plain, character)
        else:
            # Of an Alt key the character is none: it was not meant to be typed.
            await self._act(event.key, "" if isinstance(event, EscapedKey) else character)

    def _is_escape(self, event: EscapedKey) -> bool:
        """Tell if Escape and a key were Esc and the key: if Alt and the key mean nothing here, or not with a text."""
        if isinstance(self._chat.app.screen, Chooser):
            return True
        return self._actions.is_typed(event.key, is_followed=event.is_followed)

    async def _act(self, key: str, character: str) -> None:
        screen = self._chat.app.screen
        if isinstance(screen, Chooser):
            screen.press(key, character)
        else:
            self._actions.press(key, character)
            self._chat.paint_typed()
        await self._let_dialogues_go_on()

    async def paste(self, text: str) -> None:
        """Insert what is pasted; it is not sent before Enter."""
        screen = self._chat.app.screen
        if isinstance(screen, Chooser):
            screen.paste(text)
        else:
            self._actions.paste(text)
        await self._let_dialogues_go_on()

    async def _let_dialogues_go_on(self) -> None:
        """Let who has asked take the answer, and ask what comes next: the next key is for that."""
        for _ in range(_TURNS):
            if not (self._actions.is_beginning or self._is_asking()):
                return
            await asyncio.sleep(0)
