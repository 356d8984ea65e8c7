"""Tells how an upgrade goes: to the ``chatroomctl upgrade`` that has asked for it, or to nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chatroom.irc.framing import encode

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.hub import Hub


class Asker:
    """Tells nobody: a signal has asked for the upgrade, and the log says all."""

    def note(self, stage: str) -> None:
        """Say what is done now."""

    def fail(self, why: str) -> None:
        """Say why the daemon was not upgraded."""

    def done(self, result: dict[str, float]) -> None:
        """Say that the new daemon serves. Only in the standstill."""

    def stand_still(self) -> None:
        """Note that no tick runs any more."""

    def go_on(self) -> None:
        """Note that ticks will run again. Before they do."""


class AskingSession(Asker):
    """A session of the control socket."""

    def __init__(self, hub: Hub, session: Session) -> None:
        self._hub = hub
        self._session = session
        self._is_still = False

    def stand_still(self) -> None:
        """Note that no tick runs any more: the lines are written here."""
        self._is_still = True

    def go_on(self) -> None:
        """Note that ticks will run again."""
        self._is_still = False

    def note(self, stage: str) -> None:
        """Say what is done now."""
        self._say(f"NOTE UPGRADE STAGE :{stage}")

    def fail(self, why: str) -> None:
        """Say why the daemon was not upgraded."""
        self._say(f"FAIL UPGRADE NOT_UPGRADED :{why}")

    def done(self, result: dict[str, float]) -> None:
        """Say that the new daemon serves, and close the connection."""
        self._say(f"NOTE UPGRADE DONE :{json.dumps(result)}")

    def _say(self, text: str) -> None:
        session, world = self._session, self._hub.world
        line = f":{world.settings.server.name} {text}"

        def say() -> None:
            if not session.closing:
                world.tell_session(session, line)

        if not self._is_still:
            self._hub.post(session.thread, say)
        elif not session.closing:
            session.connection.write(encode(line))
