"""If the user is there. Servers are told of it, as far as the settings say, and asked more often if they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from chatroom.client.chat_session import ChatSession
from chatroom.client.server_silence import THERE_S
from chatroom.client.settings.chat_settings import ChatSettings


class Keyboard:
    """Knows when the user has pressed a key last. ``clock`` returns seconds that only go up."""

    def __init__(self, settings: ChatSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._pressed_at = clock()

    @property
    def is_there(self) -> bool:
        """True if the user has pressed a key within the last minutes."""
        return self._clock() - self._pressed_at < THERE_S

    def pressed(self, sessions: Iterable[ChatSession]) -> None:
        """Report a key, or the mouse: the user is here."""
        self._pressed_at = self._clock()
        self.look(sessions)

    def look(self, sessions: Iterable[ChatSession]) -> float:
        """Tell the servers if the user is away. Returns after how many seconds the user is; ``inf`` for never."""
        presence = self._settings.current.presence
        idle_s, after_s = self._clock() - self._pressed_at, presence.away_after_min * 60
        for session in sessions:
            session.attend(self._pressed_at)
            session.talk.typing.is_on = presence.typing
            if session.talk.is_online:
                session.talk.idle.look(idle_s, after_s)
        return after_s - idle_s if idle_s < after_s else inf
